/** `npm run packages`: publint on every publishable workspace, as it would be packed. */
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { alone } from './alone.ts';
import { buildPackages } from './build.ts';
import { publishableWorkspaces } from './repository.ts';

await alone(buildPackages);
const workspaces = publishableWorkspaces();
if (workspaces.length === 0) throw new Error('no workspace can be published');
for (const { name, folder } of workspaces) {
  const { messages, pkg } = await publint({ pkgDir: folder, level: 'warning', strict: true, pack: 'npm' });
  for (const message of messages) {
    process.stderr.write(`${name}: ${formatMessage(message, pkg) ?? message.code}\n`);
    process.exitCode = 1;
  }
}
process.stdout.write(`packages: ${workspaces.length} looked at, as npm would pack them\n`);
