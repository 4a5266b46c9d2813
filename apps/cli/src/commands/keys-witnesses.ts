/** `vitrine keys witnesses`: who must cosign the checkpoints of this centre's logs, and who operates whose key. */
import { parseVkey, TlogError } from '@vitrine/tlog';
import { type WitnessEntry, witnessesStatement } from '@vitrine/statements';
import { carriesName } from '@vitrine/verifier';
import { couldNotRun, refused } from '../failure.ts';
import { nextVersion, sayInKeysLog } from '../key-statement.ts';
import type { SayingOptions } from '../key-statement.ts';
import type { Terminal } from '../terminal.ts';

export interface KeysWitnessesOptions extends SayingOptions {
  /** OPERATOR=VKEY or OPERATOR=VKEY@URL. */
  readonly witness: readonly string[];
  readonly mirror?: readonly string[];
  /** How many operators of witnesses, and of mirrors, must cosign. */
  readonly quorum: number;
  readonly mirrorQuorum?: number;
  readonly asVersion?: number;
}

type Witnesses = Pick<Parameters<typeof witnessesStatement>[0], 'mirrorQuorum' | 'quorum' | 'witnesses'>;

/** @returns the exit code @throws Failure, ApiError */
export async function keysWitnesses(options: KeysWitnessesOptions, terminal: Terminal): Promise<0> {
  const { mirrorQuorum, quorum } = options;
  const asked: Witnesses = {
    quorum,
    ...(mirrorQuorum === undefined ? {} : { mirrorQuorum }),
    witnesses: [
      ...options.witness.map((text) => entryOf('--witness', text)),
      ...(options.mirror ?? []).map((text) => ({ kind: 'mirror' as const, ...entryOf('--mirror', text) })),
    ],
  };
  if (mirrorQuorum === undefined && options.mirror !== undefined)
    throw couldNotRun('--mirror needs --mirror-quorum N: how many of their operators must cosign');
  return sayInKeysLog(options, terminal, (ground) => {
    const { log, state } = ground;
    const current = state?.witnesses;
    const version = nextVersion(ground, () => current?.version ?? 0, options.asVersion);
    const statement = witnessesStatement({ log, version, ...asked });
    if (current !== undefined && same(current, statement.predicate))
      throw refused('these are the witnesses in force already');
    warn(asked, log.slice(0, -'/keys'.length), terminal);
    return statement;
  });
}

/** @throws Failure */
function entryOf(option: string, text: string): WitnessEntry {
  // The base64 of a vkey has no @, and an operator no =.
  const [, operator = '', vkey = '', url] =
    /^([^=\s]+)=([^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+)(?:@(\S+))?$/.exec(text) ?? [];
  try {
    if (parseVkey(vkey).type !== 0x04)
      throw couldNotRun(`${option} ${text}: this is the key of a log, not of a cosigner (0x04)`);
  } catch (cause) {
    if (!(cause instanceof TlogError)) throw cause;
    throw couldNotRun(
      `${option} ${text}: OPERATOR=VKEY or OPERATOR=VKEY@URL is expected (${cause.message})`,
      cause,
    );
  }
  return { operator, vkey, ...(url === undefined ? {} : { url }) };
}

/** What these witnesses would not prove. */
function warn(
  { mirrorQuorum = 0, quorum, witnesses }: Witnesses,
  instance: string,
  terminal: Terminal,
): void {
  const vendors = new Set(
    witnesses
      .filter(({ vkey }) => carriesName(instance, parseVkey(vkey).name))
      .map(({ operator }) => operator),
  ).add(instance);
  const own = (kind: 'mirror' | undefined): number =>
    new Set(
      witnesses
        .filter((each) => each.kind === kind && vendors.has(each.operator))
        .map(({ operator }) => operator),
    ).size;
  if (own(undefined) >= quorum && own('mirror') >= mirrorQuorum)
    terminal.note(
      `warning: the keys of ${instance} itself meet this quorum: nobody else has to see what it shows to whom`,
    );
  if (mirrorQuorum === 0)
    terminal.note(
      'warning: no mirror must cosign: nobody else vouches that the entries of the log can be had',
    );
}

function same(a: Witnesses, b: Witnesses): boolean {
  const spelt = ({ mirrorQuorum, quorum, witnesses }: Witnesses): string =>
    JSON.stringify([
      quorum,
      mirrorQuorum ?? 0,
      witnesses.map(({ kind = 'witness', operator, url = '', vkey }) => [kind, operator, url, vkey]),
    ]);
  return spelt(a) === spelt(b);
}
