/** Where everything of an instance lies in its data folder. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError, parseConfig } from '../config.ts';
import type { Config } from '../config.ts';

export interface DataFolder {
  readonly dir: string;
  readonly config: string;
  /** The verification policy of this instance. */
  readonly policy: string;
  readonly vault: string;
  /** A follower's copies of the writer's packs. */
  readonly vaultCopy: string;
  readonly vaultKeys: string;
  /** A folder of read models: derived, may be deleted. */
  readonly readModels: string;
  readonly localState: string;
  /** A folder of evidence files: the forks that this centre has proof of. */
  readonly forks: string;
  readonly rootKey: string;
  readonly anchorKey: string;
  readonly cosignerKey: string;
  readonly witnessKey: string;
  readonly mirrorKey: string;
  /** By which a follower's server says at the writer who it is. */
  readonly centreKey: string;
  /** Folders: what the witness and the mirror of this centre have cosigned. */
  readonly witnessState: string;
  readonly mirrorState: string;
  logKey(name: string): string;
  /** The folders of a log that another centre writes. */
  followed(origin: string): { readonly publicFolder: string; readonly stateFolder: string };
}

/** @param dir absolute or relative to the working directory */
export function dataFolder(dir: string): DataFolder {
  const at = (...parts: string[]): string => join(resolve(dir), ...parts);
  return {
    dir: at(),
    config: at('vitrine.json'),
    policy: at('policy.txt'),
    vault: at('vault'),
    vaultCopy: at('vault-copy'),
    vaultKeys: at('keys', 'vault.age'),
    readModels: at('read-models'),
    localState: at('local-state.sqlite'),
    forks: at('forks'),
    rootKey: at('keys', 'root.pem'),
    anchorKey: at('keys', 'anchor.pem'),
    cosignerKey: at('keys', 'cosigner.pem'),
    witnessKey: at('keys', 'witness.pem'),
    mirrorKey: at('keys', 'mirror.pem'),
    centreKey: at('keys', 'centre.pem'),
    witnessState: at('witness-state', 'witness'),
    mirrorState: at('witness-state', 'mirror'),
    logKey: (name) => at('keys', `log-${name}.pem`),
    followed: (origin) => {
      // A folder's name, whatever an origin may hold.
      const name = createHash('sha256').update(origin).digest('hex').slice(0, 32);
      return { publicFolder: at('followed', name), stateFolder: at('followed-state', name) };
    },
  };
}

/** @throws ConfigError when the folder holds no instance, or its configuration is wrong */
export function readConfig(folder: DataFolder): Config {
  let text: string;
  try {
    text = readFileSync(folder.config, 'utf8');
  } catch (cause) {
    throw new ConfigError(
      `${folder.dir} holds no instance (there is no vitrine.json): make one with “vitrine init --data ${folder.dir} --origin NAME”`,
      { cause },
    );
  }
  return parseConfig(text, folder.config);
}
