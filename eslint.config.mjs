import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'node_modules', '.data', 'coverage', '**/*.mjs', '**/*.cjs', '**/*.js'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      // Nest's modules are empty classes that carry their decorator.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      // Numbers are as readable in a template as in a string concatenation.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Bodies and answers are shapes; their classes are there for Nest and Swagger to read.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      // `() => this.inFlight.delete(work)`: the shorthand returns what nobody reads.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
    },
  },
  {
    // Nobody outside a test run calls what they export; the compiler infers the rest.
    files: ['apps/messaging/test/**'],
    rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' },
  },
);
