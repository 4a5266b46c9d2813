/** `npm run imports`: fails when an import goes against the direction that .dependency-cruiser.cjs states. */
import { cruiseWorkspaces } from './module-graph.ts';

const { summary } = await cruiseWorkspaces();
for (const { from, to, rule, cycle } of summary.violations) {
  const path = cycle === undefined ? to : cycle.map(({ name }) => name).join(' → ');
  process.stderr.write(`${rule.name}: ${from} → ${path}\n`);
}
process.stdout.write(
  `imports: ${summary.totalCruised} modules, ${summary.totalDependenciesCruised ?? 0} imports, ${summary.error} against the direction\n`,
);
if (summary.error > 0) process.exitCode = 1;
