/** `vitrine centre status`: how a centre is doing, and whether anything is amiss. */
import type { CentreStatus } from '@vitrine/api';
import { connect, patiently } from '../centre-connection.ts';
import { printable } from '../printable.ts';
import { styled } from '../terminal.ts';
import type { Terminal } from '../terminal.ts';
import { waiting } from '../waiting.ts';

export interface CentreStatusOptions {
  readonly server: string;
  readonly json?: boolean;
}

/** @returns the exit code: 1 when a log takes or publishes nothing, or a notice says what everyone must know @throws Failure, ApiError */
export async function centreStatus(options: CentreStatusOptions, terminal: Terminal): Promise<0 | 1> {
  const client = connect(options.server);
  const status = await patiently(() => client.call('status'), waiting(terminal), 'busy');
  if (options.json === true) terminal.print(`${JSON.stringify(status)}\n`);
  else terminal.print(`${forPeople(status, terminal).join('\n')}\n`);
  return isWell(status) ? 0 : 1;
}

function isWell({ notices, written }: CentreStatus): boolean {
  return (
    written.every(({ state, waiting: reason }) => state === 'writing' && reason === null) &&
    notices.every(({ kind }) => kind === 'fork-resolved')
  );
}

function forPeople(status: CentreStatus, terminal: Terminal): string[] {
  const { followed, follows, name, notices, operator, others, quorumMissing, replication } = status;
  const { roles, version, view, witnesses, written } = status;
  const amiss = (text: string): string => styled(terminal, 'red', printable(text));
  return [
    printable(`${name}, run by ${operator}: ${roles.join(', ')}; Vitrine ${version}`),
    ...(follows === null ? [] : [printable(`follows ${follows}`)]),
    view === null
      ? 'shows nothing yet'
      : `shows ${view.rootSize} entries, view digest ${view.digest} (semantics ${view.semantics})`,
    ...section('Logs that it writes', written, (log) => [
      printable(
        `${log.name.padEnd(12)} ${log.size} published of ${log.durableSize} durable, ${when(log.publishedAt)}`,
      ) + (log.state === 'writing' ? '' : amiss(`  ${log.state}`)),
      ...(log.waiting === null ? [] : [amiss(`  ${log.waiting.text} (${log.waiting.code})`)]),
    ]),
    ...section('Logs that it follows', followed, (log) => [
      printable(
        `${log.origin}: ${log.publishedSize} shown of ${log.size} held, verified ${when(log.verifiedAt)}`,
      ),
      ...(log.problem === null ? [] : [amiss(`  ${log.problem}`)]),
    ]),
    ...section('Witnesses that it asks', witnesses, (witness) => [
      printable(`${witness.name.padEnd(20)} cosigned ${when(witness.lastCosignedAt)}`),
      ...(witness.problem === null ? [] : [amiss(`  ${witness.problem}`)]),
    ]),
    ...section('Publication waits', quorumMissing === null ? [] : [quorumMissing], (quorum) => [
      amiss(`${quorum.waiting} entries are durable and wait for cosignatures, since ${when(quorum.sinceMs)}`),
      ...quorum.missing.map(({ name: missing, problem }) => amiss(`missing: ${missing} (${problem})`)),
    ]),
    ...section('Copies of the writer’s', copies(replication), ([what, part]) => [
      printable(`${what}: ${part.copied} copied, ${part.bytes} bytes, last round ${when(part.lastDoneAt)}`) +
        (part.failing === 0 ? '' : amiss(`  ${part.failing} cannot be had`)),
      ...(part.problem === null ? [] : [amiss(`  ${part.problem}`)]),
    ]),
    ...section('Other centres, as this one last saw them', others, (centre) => [
      printable(`${centre.name}, ${when(centre.answeredAtMs)}`),
      ...centre.verified.map(({ checkpointAtMs, origin, size }) =>
        printable(
          `  ${origin}: verified to ${size} entries${checkpointAtMs === null ? '' : `, checkpoint of ${when(checkpointAtMs)}`}`,
        ),
      ),
      ...(centre.unreachableSinceMs === null
        ? []
        : [amiss(`  does not answer since ${when(centre.unreachableSinceMs)}`)]),
    ]),
    ...section('Notices', notices, (notice) => [
      amiss(`${notice.kind}: ${notice.text}, since ${when(notice.sinceMs)}`),
    ]),
  ];
}

type Replication = NonNullable<CentreStatus['replication']>;

function copies(replication: Replication | null): [what: string, part: Replication['objects']][] {
  if (replication === null) return [];
  const { objects, packs } = replication;
  return packs === null
    ? [['public objects', objects]]
    : [
        ['public objects', objects],
        ['packs', packs],
      ];
}

/** Nothing where there is nothing to list. */
function section<Item>(
  title: string,
  items: readonly Item[],
  lines: (item: Item) => readonly string[],
): string[] {
  return items.length === 0 ? [] : ['', title, ...items.flatMap(lines).map((line) => `  ${line}`)];
}

function when(ms: number | null): string {
  return ms === null ? 'never since it started' : new Date(ms).toISOString();
}
