/** The witness of a centre, and its mirror: what cosigns the checkpoints of the logs that it knows. */
import type { Logger } from 'pino';
import { formatVkey } from '@vitrine/tlog';
import type { Config } from '../config.ts';
import type { DataFolder } from '../instance/data-folder.ts';
import { readKeyFile } from '../instance/key-files.ts';
import { systemClock } from '../log/clock.ts';
import { ed25519Key } from '../log/ed25519-key.ts';
import type { LogsOfCentre } from './logs-of-centre.ts';
import type { ForkAlarm } from '../monitor/fork-alarm.ts';
import { unlessFrozen } from '../monitor/frozen-cosigner.ts';
import type { CheckpointCosigner } from '../witnessing/add-checkpoint.ts';
import { logVerifiers } from '../witnessing/log-verifiers.ts';
import { createMirror } from '../witnessing/mirror.ts';
import { createWitness, type Fork } from '../witnessing/witness.ts';
import type { WitnessState } from '../witnessing/witness-state.ts';

export interface CosigningOptions {
  readonly config: Config;
  readonly folder: DataFolder;
  readonly logs: LogsOfCentre;
  readonly witnessState: WitnessState;
  readonly mirrorState: WitnessState;
  readonly alarm: ForkAlarm;
  readonly logger: Logger;
}

export interface Cosigning {
  /** Where each is asked. */
  readonly mounted: readonly { readonly prefix: string; readonly cosigner: CheckpointCosigner }[];
  close(): Promise<void>;
}

/** The names of the two cosigners of a centre. C2SP wants them distinct: only the mirror attests that the entries can be had. */
const cosignerNames = (centre: string): { readonly witness: string; readonly mirror: string } => ({
  witness: `${centre}/witness`,
  mirror: `${centre}/mirror`,
});

/** The verifier keys by which a centre is announced. @throws ConfigError */
export function vkeysOfCentre(
  config: Config,
  folder: DataFolder,
): { readonly witness: string; readonly mirror: string; readonly intake: string } {
  const names = cosignerNames(config.name);
  const vkey = (name: string, type: 0x01 | 0x04, file: string): string =>
    formatVkey({ name, type, publicKey: ed25519Key(readKeyFile(file)).publicKey });
  return {
    witness: vkey(names.witness, 0x04, folder.witnessKey),
    mirror: vkey(names.mirror, 0x04, folder.mirrorKey),
    intake: vkey(`${config.name}/intake`, 0x01, folder.logKey('intake')),
  };
}

/** @throws ConfigError, LogError */
export async function openCosigners({
  config,
  folder,
  logs,
  witnessState,
  mirrorState,
  alarm,
  logger,
}: CosigningOptions): Promise<Cosigning> {
  if (!config.roles.includes('witness')) return { mounted: [], close: () => Promise.resolve() };
  const names = cosignerNames(config.name);
  const common = {
    verifiersOf: logVerifiers([logs.root.vkey, logs.keys.vkey]),
    clock: systemClock,
    logger,
    onFork: ({ held, submitted }: Fork) =>
      alarm.raise({ held, offending: submitted, from: 'a request for a cosignature' }),
  };
  const witness = await createWitness({
    ...common,
    name: names.witness,
    key: ed25519Key(readKeyFile(folder.witnessKey)),
    state: witnessState,
  });
  const mirror = await createMirror({
    ...common,
    name: names.mirror,
    key: ed25519Key(readKeyFile(folder.mirrorKey)),
    state: mirrorState,
    mirrored: (origin) => logs.mirrored(origin),
  });
  return {
    mounted: [
      { prefix: '/witness', cosigner: unlessFrozen(witness, alarm) },
      { prefix: '/mirror', cosigner: unlessFrozen(mirror, alarm) },
    ],
    async close() {
      await witness.close();
      await mirror.close();
    },
  };
}
