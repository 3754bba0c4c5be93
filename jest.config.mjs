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

/** Unit tests touch no server; end-to-end tests share the servers that their set-up starts. */
export default {
  maxWorkers: 1,
  // Against hanging for ever; nothing is measured by it.
  testTimeout: 60_000,
  projects: [
    { ...shared, displayName: 'unit', testMatch: ['<rootDir>/{apps,libs}/**/src/**/*.spec.ts'] },
    {
      ...shared,
      displayName: 'e2e',
      testMatch: ['<rootDir>/apps/messaging/test/**/*.e2e-spec.ts'],
      globalSetup: '<rootDir>/apps/messaging/test/support/global-setup.ts',
      globalTeardown: '<rootDir>/apps/messaging/test/support/global-teardown.ts',
    },
  ],
};
