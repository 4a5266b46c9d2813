/**
 * `npm run docs`: fails when a page under docs/ links to a file that is not there, or an error code has no page that explains
 * it: the codes of problem documents in docs/api.md, those of the packages (each exported union `…ErrorCode`) in docs/errors.md.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { problemCodes } from '@vitrine/api';
import { root } from './repository.ts';

const problems: string[] = [];

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The codes that a module's exported unions named `…ErrorCode` consist of, by the union's name. */
function errorCodes(path: string): Map<string, string[]> {
  const codes = new Map<string, string[]>();
  for (const statement of ts.createSourceFile(path, read(path), ts.ScriptTarget.ESNext).statements) {
    if (!ts.isTypeAliasDeclaration(statement) || !statement.name.text.endsWith('ErrorCode')) continue;
    const parts = ts.isUnionTypeNode(statement.type) ? statement.type.types : [statement.type];
    const names = parts.flatMap((part) =>
      ts.isLiteralTypeNode(part) && ts.isStringLiteral(part.literal) ? [part.literal.text] : [],
    );
    codes.set(statement.name.text, names);
  }
  return codes;
}

const api = read('docs/api.md');
for (const code of problemCodes) {
  if (!api.includes(`\`${code}\``)) problems.push(`docs/api.md does not explain the problem code ${code}`);
}

const errors = read('docs/errors.md');
let unions = 0;
for (const path of globSync('packages/*/src/**/*.ts', { cwd: root }).toSorted()) {
  for (const [union, codes] of errorCodes(path)) {
    unions += 1;
    const section = errors.split(/^## /m).find((part) => part.startsWith(`${union}\n`)) ?? '';
    const missing = codes.filter((code) => !section.includes(`\`${code}\``));
    if (missing.length > 0)
      problems.push(`docs/errors.md does not explain ${missing.join(', ')} of ${union} (${path})`);
  }
}
if (unions === 0) problems.push('no exported union named …ErrorCode was found: this check looked at nothing');

const pages = globSync(['*.md', 'docs/**/*.md', 'packages/*/*.md'], { cwd: root });
for (const page of pages) {
  const prose = read(page).replaceAll(/^```[\s\S]*?^```/gm, '');
  for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (target === undefined || /^[a-z]+:|^#/.test(target)) continue;
    const path = decodeURIComponent(target.split('#', 1)[0] ?? '');
    if (!existsSync(join(root, dirname(page), path)))
      problems.push(`${page} links to ${target}, which is not there`);
  }
}

for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(
  `docs: ${pages.length} pages, ${problemCodes.length} problem codes, ${unions} unions of error codes\n`,
);
if (problems.length > 0) process.exitCode = 1;
