/** Imports run one way: metrics → health → consumers → dead-letters → messages → tenants → libs. */
const room = (name) => `^apps/messaging/src/${name}/`;

module.exports = {
  forbidden: [
    {
      name: 'no-circles',
      comment: 'A circle hides which file may be understood first.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'tenants-import-libs-only',
      severity: 'error',
      from: { path: room('tenants') },
      to: { path: ['messages', 'dead-letters', 'consumers', 'health', 'metrics'].map(room) },
    },
    {
      name: 'messages-import-tenants-and-libs',
      severity: 'error',
      from: { path: room('messages') },
      to: { path: ['dead-letters', 'consumers', 'health', 'metrics'].map(room) },
    },
    {
      name: 'dead-letters-do-not-import-consumers',
      severity: 'error',
      from: { path: room('dead-letters') },
      to: { path: ['consumers', 'health', 'metrics'].map(room) },
    },
    {
      name: 'consumers-do-not-import-what-watches-them',
      severity: 'error',
      from: { path: room('consumers') },
      to: { path: ['health', 'metrics'].map(room) },
    },
    {
      name: 'health-does-not-import-metrics',
      severity: 'error',
      from: { path: room('health') },
      to: { path: room('metrics') },
    },
    {
      name: 'rooms-know-of-auth-only-how-to-declare-access',
      severity: 'error',
      from: { path: ['tenants', 'messages', 'dead-letters', 'consumers', 'health'].map(room) },
      to: { path: room('auth'), pathNot: 'auth/access\\.ts$' },
    },
    {
      name: 'auth-imports-tenants-and-libs',
      severity: 'error',
      from: { path: room('auth') },
      to: { path: ['messages', 'dead-letters', 'consumers', 'health'].map(room) },
    },
    {
      name: 'libs-do-not-import-apps',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^apps/' },
    },
    {
      name: 'the-program-does-not-need-the-local-stack',
      comment: 'Production starts nothing of its own.',
      severity: 'error',
      from: { path: '^apps/messaging/src/' },
      to: { path: '^libs/local-stack/' },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
