/**
 * Makes an instance whose log has the dates of the record: the modules of `vitrine init` and the log engine, with a clock that stands at each
 * date in turn. The server that shows it later knows nothing of this, and needs not to: the log's time is in its entries.
 */
import { createHash } from 'node:crypto';
import { formatCommitmentBody, formatEventBody } from '@vitrine/commitments';
import {
  commitmentStatement,
  eventStatement,
  signStatement,
  type CommitmentStatement,
  type EventStatement,
} from '@vitrine/statements';
import { readFileSync } from 'node:fs';
import { signerOf } from '../../apps/server/src/identity/signer.ts';
import { createInstance } from '../../apps/server/src/instance/create-instance.ts';
import { dataFolder, readConfig } from '../../apps/server/src/instance/data-folder.ts';
import { readKeyFile } from '../../apps/server/src/instance/key-files.ts';
import { KEYS_LOG, ROOT_LOG } from '../../apps/server/src/instance/log-specs.ts';
import { openInstanceLogs } from '../../apps/server/src/instance/open-instance-logs.ts';
import type { Clock } from '../../apps/server/src/log/clock.ts';
import { createRegistration } from '../../apps/server/src/registration/registration.ts';
import { openLogFolder } from '../../apps/server/src/storage/log-files/open-log-folder.ts';
import { openVaultStorage } from '../../apps/server/src/storage/vault-files/vault-storage.ts';
import { createCosignerStates } from '../../apps/server/src/storage/witness-state/cosigner-states.ts';
import { openVault } from '../../apps/server/src/vault/vault.ts';
import { parseVaultKeys } from '../../apps/server/src/vault/vault-keys.ts';
import { ANNOUNCED, events, promises } from './record.ts';

/** The origin of the example's logs. It is nobody's: the statements in it were signed by this replay, not by the company. */
export const EXAMPLE_NAME = 'replay-of-2017.example';

/** A clock that stands still where it was set and otherwise runs: both of its hands are moved together, so that nothing leaps. */
class SetClock implements Clock {
  #aheadMs = 0;

  readonly nowMs = (): number => Math.floor(performance.now() + this.#aheadMs);
  readonly monotonicMs = (): number => this.nowMs();

  /** @throws RangeError when that is in its past */
  setTo(timeMs: number): void {
    const byMs = timeMs - this.nowMs();
    if (byMs < 0) throw new RangeError('the record is not in the order of its dates');
    this.#aheadMs += byMs;
  }
}

/** Noon of a day in UTC. */
function noonOf(day: string): number {
  return Date.parse(`${day}T12:00:00Z`);
}

interface Saying {
  readonly day: string;
  readonly statement: CommitmentStatement | EventStatement;
  readonly body: Uint8Array;
}

function sayings(log: string): readonly Saying[] {
  const digestOf = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');
  return [
    ...promises.map(({ acceptance, body, due, id }) => {
      const bytes = formatCommitmentBody(body);
      const statement = commitmentStatement({
        acceptance,
        announced: ANNOUNCED,
        body: { digest: digestOf(bytes) },
        due,
        id,
        log,
      });
      return { day: ANNOUNCED, statement, body: bytes };
    }),
    ...events.map(({ body, data, happened, kind, loggedOn }) => {
      const bytes = formatEventBody(body);
      const statement = eventStatement({
        body: { digest: digestOf(bytes) },
        data: { ...data },
        happened,
        kind,
        log,
      });
      return { day: loggedOn, statement, body: bytes };
    }),
  ];
}

/** @param dir an empty or missing folder: the data folder of the example. @throws ConfigError when it is not empty */
export async function replay(dir: string): Promise<void> {
  const clock = new SetClock();
  clock.setTo(noonOf(ANNOUNCED));
  const openStorage = () => openLogFolder({ dataDir: folder.dir });
  const folder = dataFolder(dir);
  await createInstance({
    dir,
    name: EXAMPLE_NAME,
    openLogs: [],
    openStorage: (made) => openLogFolder({ dataDir: made.dir }),
    createCosignerStates,
    clock,
  });
  const config = readConfig(folder);
  const logs = await openInstanceLogs(config, folder, await openStorage(), { clock });
  const vault = await openVault({
    ...openVaultStorage(folder.vault, { index: 'in-memory' }),
    keys: parseVaultKeys(readFileSync(folder.vaultKeys, 'utf8')),
  });
  try {
    const root = logs.get(ROOT_LOG);
    const registration = await createRegistration({
      root,
      keys: logs.get(KEYS_LOG),
      anchor: signerOf(readKeyFile(folder.anchorKey)),
      closeLog: () => Promise.reject(new TypeError('nothing is closed in this record')),
      whyClosed: () => null,
      publishByMs: config.publishByMs,
      nowMs: clock.nowMs,
    });
    const spokesperson = signerOf(readKeyFile(folder.rootKey));
    for (const { body, day, statement } of sayings(root.origin)) {
      if (clock.nowMs() < noonOf(day)) clock.setTo(noonOf(day));
      await vault.store(body);
      const envelope = new TextDecoder().decode(await signStatement(statement, [spokesperson]));
      const [accepted] = await registration.register('statements', [registration.parse(envelope, '')]);
      if (accepted === undefined) throw new TypeError('nothing was registered');
      // Each has a checkpoint of its day, cosigned on it.
      await root.whenPublished(accepted.index);
    }
  } finally {
    await logs.close();
    await vault.close();
  }
}
