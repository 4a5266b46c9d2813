/**
 * The direction of imports, as docs/architecture.md states it. `npm run imports` holds it, and fails too when it saw no module.
 * A test stands outside: it may import what the code beside it may not.
 * @type {import('dependency-cruiser').IConfiguration}
 */
const test = '[.]test[.]tsx?$|/browser-tests/|^packages/[^/]+/test/';
const capability =
  '^apps/server/src/(releases|disposals|reviews|reading-room|rebuilds|rules|cases|controls|commitments)/';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two modules that need each other are one module, or need a third.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'everything-resolves',
      comment: 'An import that resolves to nothing is checked by no other rule.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'tlog-stands-alone',
      comment: 'tlog ◀ statements ◀ verifier: tlog knows formats and mathematics only.',
      severity: 'error',
      from: { path: '^packages/tlog/', pathNot: test },
      to: { path: '^packages/', pathNot: '^packages/tlog/' },
    },
    {
      name: 'statements-imports-tlog-only',
      comment: 'tlog ◀ statements ◀ verifier.',
      severity: 'error',
      from: { path: '^packages/statements/', pathNot: test },
      to: { path: '^packages/', pathNot: '^packages/(tlog|statements)/' },
    },
    {
      name: 'verifier-imports-statements-and-tlog-only',
      comment: 'tlog ◀ statements ◀ verifier: what a customer embeds stays small.',
      severity: 'error',
      from: { path: '^packages/verifier/', pathNot: test },
      to: { path: '^packages/', pathNot: '^packages/(tlog|statements|verifier)/' },
    },
    {
      name: 'commitments-imports-statements-and-tlog-only',
      comment: 'How a promise stands is computed in any page.',
      severity: 'error',
      from: { path: '^packages/commitments/', pathNot: test },
      to: { path: '^packages/', pathNot: '^packages/(tlog|statements|commitments)/' },
    },
    {
      name: 'packages-never-import-apps',
      comment: 'A package knows nothing of the server.',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^apps/' },
    },
    {
      name: 'apps-never-import-each-other',
      comment: 'They meet in packages/api and over HTTP.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'imports-through-the-front-door',
      comment:
        'Another workspace is imported by its name, so that its index.ts, and the further entry points of its package.json, say what is public.',
      severity: 'error',
      from: { path: '^(packages|apps)/([^/]+)/', pathNot: test },
      to: {
        path: '^packages/',
        pathNot: [
          '^$1/$2/',
          '^packages/[^/]+/src/index[.]ts$',
          '^packages/(tlog/src/ml-dsa|statements/src/intake|verifier/src/(fork|statement-in-words|witnesses-policy))[.]ts$',
        ],
      },
    },
    {
      name: 'only-main-imports-storage',
      comment: 'Concretes are wired in one place; everything else sees the ports.',
      severity: 'error',
      from: { path: '^apps/server/src/', pathNot: ['^apps/server/src/(main[.]ts$|storage/)', test] },
      to: { path: '^apps/server/src/storage/' },
    },
    {
      name: 'no-folder-imports-http',
      comment:
        'A capability declares routes; it never sees the server, its statuses or its framework. centre/ wires them.',
      severity: 'error',
      from: { path: '^apps/server/src/[^/]+/', pathNot: ['^apps/server/src/(?:http|centre)/', test] },
      to: { path: '^apps/server/src/http/' },
    },
    {
      name: 'capabilities-meet-in-the-log',
      comment: 'No capability imports another.',
      severity: 'error',
      from: { path: capability, pathNot: test },
      to: { path: capability, pathNot: '^apps/server/src/$1/' },
    },
    {
      name: 'the-log-knows-no-capability',
      comment: 'Data flows one way: the log orders entries and does not know what they say.',
      severity: 'error',
      from: { path: '^apps/server/src/(log|vault)/', pathNot: test },
      to: { path: '^apps/server/src/', pathNot: '^apps/server/src/$1/' },
    },
    {
      name: 'browser-safe-packages-use-no-node-builtins',
      comment:
        'tlog, statements, verifier, commitments and api run in a page under a strict content-security policy.',
      severity: 'error',
      from: { path: '^(packages/(tlog|statements|verifier|commitments|api)|apps/web/src)/', pathNot: test },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'tests-are-not-imported',
      severity: 'error',
      from: { pathNot: `${test}|^e2e/` },
      to: { path: test },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage)/|[.]css$' },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@vitrine/source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.cjs', '.d.ts'],
    },
  },
};
