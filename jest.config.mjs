const typescript = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
      },
      module: { type: 'commonjs' },
    },
  ],
};
const shared = {
  testEnvironment: 'node',
  transform: typescript,
  moduleNameMapper: { '^@app/(.*)$': '<rootDir>/libs/$1/src' },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.data'],
};

const servers = {
  globalSetup: '<rootDir>/apps/messaging/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/apps/messaging/test/support/global-teardown.ts',
};
const below = '<rootDir>/apps/messaging/test/**';

/** Unit tests touch no server; end-to-end tests share the servers that their set-up starts. */
const everyDay = [
  {
    ...shared,
    displayName: 'unit',
    testMatch: ['<rootDir>/{apps,libs}/**/src/**/*.spec.ts', '<rootDir>/deploy/test/*.spec.ts'],
  },
  { ...shared, ...servers, displayName: 'e2e', testMatch: [`${below}/*.e2e-spec.ts`] },
];

/** Minutes of faults: `npm run test:chaos`. */
const chaos = {
  ...shared,
  ...servers,
  displayName: 'chaos',
  testMatch: [`${below}/*.chaos-spec.ts`],
};

export default {
  maxWorkers: 1,
  // Against hanging for ever; nothing is measured by it.
  testTimeout: 60_000,
  // Sockets that a test froze or cut may outlive it; the servers were stopped before this.
  forceExit: true,
  projects: process.env.TEST_CHAOS ? [chaos] : everyDay,
};
