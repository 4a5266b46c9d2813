/** Makes a new instance: keys, empty logs, the first entries of the keys log, the verification policy. Whole or not at all. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import {
  DEFAULT_RULES,
  formatPublicKey,
  keyAddStatement,
  registrationPolicyStatement,
  ROLES,
  rootKeysStatement,
  signStatement,
  witnessesStatement,
} from '@vitrine/statements';
import { formatVkey } from '@vitrine/tlog';
import { parseVerificationPolicy } from '@vitrine/verifier';
import { ConfigError, ConfigSchema, parseConfig } from '../config.ts';
import type { Config } from '../config.ts';
import { signerOf } from '../identity/signer.ts';
import { type Clock, systemClock } from '../log/clock.ts';
import type { LogStorage } from '../log/log-store.ts';
import { createLogs } from '../log/open-logs.ts';
import { formatVaultKeys, generateVaultKeys } from '../vault/vault-keys.ts';
import { dataFolder } from './data-folder.ts';
import type { DataFolder } from './data-folder.ts';
import { createKeyFile, readKeyFile } from './key-files.ts';
import { cosignerOf, INTAKE_LOG, KEYS_LOG, logSpecs, ROOT_LOG } from './log-specs.ts';
import { openInstanceLogs } from './open-instance-logs.ts';
import { createHash, randomUUID } from 'node:crypto';

/** Names of logs and of keys that every instance has, and that no open log can have. */
const RESERVED: readonly string[] = [ROOT_LOG, KEYS_LOG, INTAKE_LOG, 'cosigner', 'mirror', 'witness'];

export interface CreatedInstance {
  /** The vkey of the root log. */
  readonly vkey: string;
  /** Absolute path of the root key, PKCS#8 PEM. */
  readonly rootKeyFile: string;
  /** Absolute path of the verification policy. */
  readonly policyFile: string;
}

export interface CreateInstanceOptions {
  readonly dir: string;
  readonly name: string;
  readonly openLogs: readonly string[];
  readonly openStorage: (folder: DataFolder) => Promise<LogStorage>;
  /** Makes what the centre's two cosigners remember; empty, with their keys. */
  readonly createCosignerStates: (folder: DataFolder) => Promise<void>;
  /** Whose time the first entries have; the system's by default. */
  readonly clock?: Clock;
}

/** @throws ConfigError when the name or a log name is wrong, or the folder is not empty */
export async function createInstance({
  dir,
  name,
  openLogs,
  openStorage,
  createCosignerStates,
  clock = systemClock,
}: CreateInstanceOptions): Promise<CreatedInstance> {
  const config = configOf(name, openLogs);
  const target = dataFolder(dir);
  await makeFolder(target, async (folder) => {
    for (const file of [folder.rootKey, folder.anchorKey]) createKeyFile(file);
    for (const log of [ROOT_LOG, KEYS_LOG, ...config.openLogs]) createKeyFile(folder.logKey(log));
    await createKeysOfEveryCentre(folder);
    await createCosignerStates(folder);
    const entry0 = await createLogsOf(config, folder, openStorage, clock);
    writeFileSync(folder.policy, policyText(config, folder, entry0));
    writeConfig(folder, { name, operator: config.operator, openLogs: config.openLogs });
  });
  return { vkey: vkeyOf(config, target, ROOT_LOG), rootKeyFile: target.rootKey, policyFile: target.policy };
}

export interface CreateFollowerOptions {
  readonly dir: string;
  /** Of the centre; its own intake log is NAME/intake. */
  readonly name: string;
  readonly operator: string;
  /** The address of the writer. */
  readonly url: string;
  /** The verification policy that the operator trusts: it says whose logs are followed, and whose cosignatures they need. */
  readonly policy: string;
  readonly openStorage: (folder: DataFolder) => Promise<LogStorage>;
  /** Makes what the centre's two cosigners remember; empty, with their keys. */
  readonly createCosignerStates: (folder: DataFolder) => Promise<void>;
}

/**
 * Makes the data folder of a centre that follows another's logs: its keys and an empty intake log.
 * @throws ConfigError when a name or the address is wrong, or the folder is not empty
 * @throws EvidenceError when the policy does not parse
 */
export async function createFollower({
  dir,
  name,
  operator,
  url,
  policy,
  openStorage,
  createCosignerStates,
}: CreateFollowerOptions): Promise<void> {
  const { rootOrigin } = parseVerificationPolicy(policy);
  const told = {
    name,
    operator,
    openLogs: [],
    roles: ['follower', 'reading-room', 'witness'],
    follow: { url },
  };
  const config = parseConfig(JSON.stringify({ format: 1, ...told }), 'vitrine init --follow');
  if (rootOrigin.startsWith(`${name}/`))
    throw new ConfigError(
      `“${name}” is the name of the centre that is followed: this one needs a name of its own.`,
    );
  await makeFolder(dataFolder(dir), async (folder) => {
    await createKeysOfEveryCentre(folder);
    await createCosignerStates(folder);
    createKeyFile(folder.centreKey);
    const storage = await openStorage(folder);
    await createLogs({ storage, logs: logSpecs(config, folder), cosigner: cosignerOf(config, folder) });
    await storage.close();
    writeFileSync(folder.policy, policy);
    writeConfig(folder, told);
  });
}

async function createKeysOfEveryCentre(folder: DataFolder): Promise<void> {
  for (const file of [folder.cosignerKey, folder.witnessKey, folder.mirrorKey, folder.logKey(INTAKE_LOG)])
    createKeyFile(file);
  writeFileSync(folder.vaultKeys, formatVaultKeys(await generateVaultKeys()), { mode: 0o600, flag: 'wx' });
}

function writeConfig(folder: DataFolder, told: object): void {
  writeFileSync(folder.config, `${JSON.stringify({ format: 1, ...told }, null, 2)}\n`);
}

/** Made beside it and renamed at the end, so that an interrupted init leaves no half instance. */
async function makeFolder(target: DataFolder, fill: (folder: DataFolder) => Promise<void>): Promise<void> {
  if (existsSync(target.dir) && readdirSync(target.dir).length > 0) {
    throw new ConfigError(
      `${target.dir} is not empty. Choose another folder; an instance is never made over another one.`,
    );
  }
  mkdirSync(dirname(target.dir), { recursive: true });
  const folder = dataFolder(`${target.dir}.init-${randomUUID()}`);
  try {
    mkdirSync(join(folder.dir, 'keys'), { recursive: true, mode: 0o700 });
    await fill(folder);
    renameSync(folder.dir, target.dir);
  } catch (error) {
    rmSync(folder.dir, { recursive: true, force: true });
    throw error;
  }
}

function configOf(name: string, openLogs: readonly string[]): Config {
  const reserved = openLogs.find((log) => RESERVED.includes(log));
  if (reserved !== undefined)
    throw new ConfigError(`“${reserved}” is reserved: an open log needs another name.`);
  if (new Set(openLogs).size !== openLogs.length) throw new ConfigError('An open log is named twice.');
  const parsed = v.safeParse(ConfigSchema, { format: 1, name, operator: name, openLogs });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new ConfigError(
    `${v.getDotPath(issue)?.startsWith('openLogs') === true ? '--open-log' : '--origin'}: expected ${issue.message}`,
  );
}

/** Makes the logs and says the first things in the keys log. @returns hex SHA-256 of entry 0's leaf */
async function createLogsOf(
  config: Config,
  folder: DataFolder,
  openStorage: CreateInstanceOptions['openStorage'],
  clock: Clock,
): Promise<string> {
  const specs = logSpecs(config, folder);
  const making = await openStorage(folder);
  await createLogs({ storage: making, logs: specs, cosigner: cosignerOf(config, folder), clock });
  await making.close();

  const logs = await openInstanceLogs(config, folder, await openStorage(folder), { clock });
  try {
    const keys = logs.get(KEYS_LOG);
    const log = keys.origin;
    const root = signerOf(readKeyFile(folder.rootKey));
    const anchor = signerOf(readKeyFile(folder.anchorKey));
    const products: readonly ['*'] = ['*'];
    const statements = [
      rootKeysStatement({
        log,
        instance: config.name,
        version: 1,
        keys: [formatPublicKey(root)],
        threshold: 1,
      }),
      registrationPolicyStatement({ log, version: 1, rules: [...DEFAULT_RULES] }),
      witnessesStatement({
        log,
        version: 1,
        witnesses: [{ operator: config.operator, vkey: cosignerVkey(config, folder) }],
        quorum: 1,
      }),
      // The root key of a fresh instance also publishes, so that one can start; production gives these roles to other keys.
      keyAddStatement({
        log,
        key: formatPublicKey(root),
        roles: ROLES.filter((role) => role !== 'anchor').map((role) => ({ role, products: [...products] })),
      }),
      keyAddStatement({
        log,
        key: formatPublicKey(anchor),
        roles: [{ role: 'anchor', products: [...products] }],
      }),
    ];
    const appended = await keys.append(
      await Promise.all(statements.map((statement) => signStatement(statement, [root]))),
    );
    const last = appended.at(-1);
    if (last === undefined) throw new TypeError('the keys log answered nothing');
    await keys.whenAnchored(last.leafIndex);
    const { leaf } = await keys.readEntry(0);
    return createHash('sha256').update(leaf).digest('hex');
  } finally {
    await logs.close();
  }
}

/** The vkey of a log's key, or of the cosigner. */
function vkeyOf(config: Config, folder: DataFolder, log: string): string {
  const spec = logSpecs(config, folder).find(({ name }) => name === log);
  if (spec === undefined) throw new TypeError(`there is no log ${log}`);
  return formatVkey({ name: spec.origin, type: 0x01, publicKey: spec.key.publicKey });
}

export function cosignerVkey(config: Config, folder: DataFolder): string {
  const { name, key } = cosignerOf(config, folder);
  return formatVkey({ name, type: 0x04, publicKey: key.publicKey });
}

/** C2SP tlog-policy, with Vitrine's own lines as comments (docs/formats/evidence.md, "Verification policy"). */
function policyText(config: Config, folder: DataFolder, entry0: string): string {
  return [
    `# Verification policy of ${config.name}. Whoever checks with a policy taken from the vendor alone trusts the vendor for it.`,
    `log ${vkeyOf(config, folder, ROOT_LOG)}`,
    `log ${vkeyOf(config, folder, KEYS_LOG)}`,
    `witness self ${cosignerVkey(config, folder)}`,
    'quorum self',
    `#vitrine keys-entry-0 ${entry0}`,
    `#vitrine operator ${config.operator} ${config.name}/cosigner`,
    '',
  ].join('\n');
}
