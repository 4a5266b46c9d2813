/** The server’s command line, and the only place that wires concretes: `vitrine init`, `serve`, `vault check`, `witness serve`. */
import { hkdfSync } from 'node:crypto';
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Kysely } from 'kysely';
import { pino } from 'pino';
import type { Logger } from 'pino';
import * as v from 'valibot';
import { formatPublicKey } from '@vitrine/statements';
import { TlogError } from '@vitrine/tlog';
import { startCentre } from './centre/centre.ts';
import { ConfigError, parseConfig, parseListen } from './config.ts';
import type { Config } from './config.ts';
import { vkeysOfCentre } from './centre/cosigning.ts';
import { createWitnessServer } from './http/witness-server.ts';
import { createFollower, createInstance } from './instance/create-instance.ts';
import { signerOf } from './identity/signer.ts';
import { dataFolder, readConfig } from './instance/data-folder.ts';
import type { DataFolder } from './instance/data-folder.ts';
import { hasWitnessKey, openWitnessIdentity, witnessFolder } from './instance/witness-folder.ts';
import { createKeyFile, readKeyFile } from './instance/key-files.ts';
import { KEYS_LOG, logSpecs, ROOT_LOG } from './instance/log-specs.ts';
import type { LocalState } from './local-state/schema.ts';
import { systemClock } from './log/clock.ts';
import { LogError } from './log/log-error.ts';
import { ForkFolder } from './storage/fork-files/fork-folder.ts';
import { acceptanceUnder, describeRestored } from './restore/restored.ts';
import { restore } from './restore/restore-command.ts';
import { RestoreError } from './restore/restore-error.ts';
import { lockDataFolder } from './storage/log-files/data-folder-lock.ts';
import { FollowedFolder } from './storage/log-files/followed-folder.ts';
import { openLogFolder } from './storage/log-files/open-log-folder.ts';
import { openRestoreFolder } from './storage/log-files/restore-folder.ts';
import { openSqlite } from './storage/sqlite/dialect.ts';
import { openReadModels } from './storage/sqlite/read-models.ts';
import { sqliteWordIndex } from './storage/sqlite/word-index.ts';
import { freeBytesIn, openVaultStorage } from './storage/vault-files/vault-storage.ts';
import { cosignerStates, createCosignerStates } from './storage/witness-state/cosigner-states.ts';
import { FileWitnessState } from './storage/witness-state/file-witness-state.ts';
import { openVault, VaultCopy } from './vault/vault.ts';
import type { Vault } from './vault/vault.ts';
import { checkVault, grantVault, recipientOf } from './vault/vault-commands.ts';
import { VaultError } from './vault/vault-error.ts';
import { parseVaultKeys } from './vault/vault-keys.ts';
import type { VaultKeys } from './vault/vault-keys.ts';
import { follow } from './witnessing/follow-command.ts';
import { logVerifiers } from './witnessing/log-verifiers.ts';
import { parseNativePolicy } from './witnessing/native-policy.ts';
import { createWitness } from './witnessing/witness.ts';

const USAGE = `usage:
  vitrine init --data DIR --origin NAME [--open-log NAME]... [--json]
      make a data folder: keys, empty logs, the verification policy
  vitrine init --data DIR --origin CENTRE --follow URL --policy FILE [--operator NAME] [--json]
      make the data folder of a centre that follows the one at URL, as the verification policy in FILE accepts it
  vitrine centre describe --data DIR [--json | --announcement VERSION]
      the keys by which the centre is announced; or the file that “vitrine publish centre” takes
  vitrine restore (--config FILE | --data DIR) --from URL|FOLDER... [--new-cosigners] [--begin LOG]... [--json]
      bring this centre's own logs back from the copies that others have of them; all of it or nothing
  vitrine serve (--config FILE | --data DIR) [--listen HOST:PORT]
      run the centre; prints one line with its URL when it accepts requests, ends cleanly on SIGTERM
  vitrine vault check --data DIR [--json]
      read every object of the vault and check it, and the copies of another's (stop the server first)
  vitrine vault recipient --data DIR
      print what another centre grants its vault to, for this one to read it
  vitrine vault grant --data DIR --to RECIPIENT (--all | --pack ID... | --end)
      let another centre read packs: those there are and those to come, or some; or grant it no more (stop the server first)
  vitrine witness serve --listen HOST:PORT --data DIR --origin-vkey VKEY... [--name NAME]
      run a C2SP tlog-witness of these logs; prints one line when it accepts requests: its URL, a space, its own vkey
  vitrine follow --data DIR --log URL --vkey VKEY [--once] [--json]
      mirror any C2SP log into a folder, verifying all of it; exit 1 if the log does not hold
`;

const PackageSchema = v.object({ version: v.string() });

function version(): string {
  const parsed = v.parse(
    PackageSchema,
    JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')),
  );
  return parsed.version;
}

function required(value: string | undefined, option: string): string {
  if (value === undefined) throw new ConfigError(`${option} is missing\n\n${USAGE}`);
  return value;
}

async function init(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      data: { type: 'string' },
      origin: { type: 'string' },
      'open-log': { type: 'string', multiple: true },
      follow: { type: 'string' },
      policy: { type: 'string' },
      operator: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  if (values.follow !== undefined) {
    await initFollower({ ...values, follow: values.follow });
    return;
  }
  const created = await createInstance({
    dir: required(values.data, '--data'),
    name: required(values.origin, '--origin'),
    openLogs: values['open-log'] ?? [],
    openStorage: (folder) => openLogFolder({ dataDir: folder.dir }),
    createCosignerStates,
  });
  if (values.json === true) {
    process.stdout.write(`${JSON.stringify(created)}\n`);
    return;
  }
  process.stdout.write(
    [
      `made    ${dataFolder(required(values.data, '--data')).dir}`,
      `log     ${created.vkey}`,
      `key     ${created.rootKeyFile}   (keep a copy elsewhere; move it off this machine once other keys publish)`,
      `policy  ${created.policyFile}   (publish it where people can find it without asking this server)`,
      '',
    ].join('\n'),
  );
}

async function initFollower(values: {
  readonly data?: string;
  readonly origin?: string;
  readonly operator?: string;
  readonly policy?: string;
  readonly follow: string;
  readonly json?: boolean;
}): Promise<void> {
  const dir = required(values.data, '--data');
  const name = required(values.origin, '--origin');
  await createFollower({
    dir,
    name,
    operator: values.operator ?? name,
    url: values.follow,
    policy: readFileSync(required(values.policy, '--policy'), 'utf8'),
    openStorage: (folder) => openLogFolder({ dataDir: folder.dir }),
    createCosignerStates,
  });
  describeCentre(dir, values.json === true);
}

/** What a centre is announced by: its keys, and where it says that it stands. */
function describeCentre(dir: string, json: boolean): void {
  const folder = dataFolder(dir);
  const config = readConfig(folder);
  const { witness, mirror, intake } = vkeysOfCentre(config, folder);
  const described = {
    name: config.name,
    operator: config.operator,
    ...(config.place ?? {}),
    witness,
    mirror,
    intake: { origin: `${config.name}/intake`, vkey: intake },
    ...(existsSync(folder.centreKey)
      ? { key: formatPublicKey(signerOf(readKeyFile(folder.centreKey))) }
      : {}),
    policyFile: folder.policy,
  };
  if (json) {
    process.stdout.write(`${JSON.stringify(described)}\n`);
    return;
  }
  process.stdout.write(
    [
      `centre   ${config.name}, run by ${config.operator}`,
      `witness  ${witness}`,
      `mirror   ${mirror}`,
      `intake   ${intake}`,
      ...('key' in described ? [`key      ${described.key}`] : []),
      `policy   ${folder.policy}`,
      '',
    ].join('\n'),
  );
}

/** The file of `vitrine publish centre`. @throws ConfigError when the configuration does not say where the centre stands */
function announceCentre(dir: string, version: string): void {
  if (!/^[1-9][0-9]{0,8}$/.test(version))
    throw new ConfigError(`--announcement ${version}: a version, a whole number from 1, is expected`);
  const folder = dataFolder(dir);
  const config = readConfig(folder);
  const { name, operator, place } = config;
  if (place === undefined)
    throw new ConfigError(
      `${folder.config} has no “place”: say there in which city, country and region the centre stands, and at which url it is reached`,
    );
  const { witness, mirror, intake } = vkeysOfCentre(config, folder);
  const announcement = {
    centre: { name, operator, ...place },
    witness,
    mirror,
    intake: { origin: `${name}/intake`, vkey: intake },
    version: Number(version),
  };
  process.stdout.write(`${JSON.stringify(announcement, null, 2)}\n`);
}

/** @throws ConfigError, VaultError `wrong-keys` */
function readVaultKeys(folder: DataFolder): VaultKeys {
  let text: string;
  try {
    text = readFileSync(folder.vaultKeys, 'utf8');
  } catch (cause) {
    throw new ConfigError(`${folder.vaultKeys} cannot be read: put it back, nothing else opens the vault`, {
      cause,
    });
  }
  return parseVaultKeys(text);
}

async function openVaultOf(folder: DataFolder, keys: VaultKeys, logger?: Logger): Promise<Vault> {
  const open = (index: 'on-disk' | 'in-memory') =>
    openVault({
      ...openVaultStorage(folder.vault, { index }),
      keys,
      ...(logger === undefined ? {} : { logger: logger.child({ part: 'vault' }) }),
    });
  try {
    return await open('on-disk');
  } catch (error) {
    // The index is derived: a full disk, on which it cannot be brought up to date, keeps nobody from reading.
    if (!(error instanceof VaultError) || error.code !== 'disk-full') throw error;
    logger?.warn({ err: error }, 'the index of the vault is kept in memory until the next start');
    return open('in-memory');
  }
}

/** The copies of another vault's packs. */
async function openCopyOf(
  folder: DataFolder,
  keys: VaultKeys,
  vault: Vault,
  logger: Logger = pino({ level: 'silent' }),
): Promise<VaultCopy> {
  return VaultCopy.open({
    ...openVaultStorage(folder.vaultCopy),
    keys,
    isDisposed: (sha256) => vault.isDisposed(sha256),
    logger: logger.child({ part: 'vault-copy' }),
    nowMs: Date.now,
  });
}

/** For the owner only, as it holds snapshot secrets; SQLite gives the files beside it the same mode. */
function openLocalState(folder: DataFolder): Kysely<LocalState> {
  closeSync(openSync(folder.localState, 'a', 0o600));
  chmodSync(folder.localState, 0o600);
  return openSqlite<LocalState>(folder.localState);
}

/** Standard output carries one line, the URL; everything else goes to standard error. */
function createLogger(): Logger {
  return pino(
    { name: 'vitrine', level: process.env['VITRINE_LOG_LEVEL'] ?? 'info' },
    pino.destination({ dest: 2, sync: false }),
  );
}

function endOnSignal(logger: Logger, close: () => Promise<void>): void {
  let ending = false;
  const end = (signal: string): void => {
    if (ending) return;
    ending = true;
    logger.info({ signal }, 'ending');
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'did not end cleanly');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

/** A configuration file says where the data are; without one, the data folder holds it. @throws ConfigError */
function openConfiguration(values: { readonly config?: string; readonly data?: string }): {
  readonly folder: DataFolder;
  readonly config: Config;
} {
  if (values.config === undefined) {
    const folder = dataFolder(required(values.data, '--config FILE or --data DIR'));
    return { folder, config: readConfig(folder) };
  }
  if (values.data !== undefined)
    throw new ConfigError(
      '--config and --data exclude each other: the configuration file names the data folder.',
    );
  let text: string;
  try {
    text = readFileSync(values.config, 'utf8');
  } catch (cause) {
    throw new ConfigError(`${values.config} cannot be read: ${cause instanceof Error ? cause.message : ''}`, {
      cause,
    });
  }
  const config = parseConfig(text, values.config);
  return { folder: dataFolder(resolve(dirname(values.config), config.data ?? '.')), config };
}

async function serve(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { config: { type: 'string' }, data: { type: 'string' }, listen: { type: 'string' } },
  });
  const { folder, config } = openConfiguration(values);
  const listen = parseListen(values.listen ?? config.listen);
  const logger = createLogger();
  const vaultKeys = readVaultKeys(folder);
  const webRoot = join(import.meta.dirname, '..', '..', 'web', 'dist');
  const vault = await openVaultOf(folder, vaultKeys, logger);
  const centre = await startCentre({
    config,
    folder,
    listen,
    logStorage: await openLogFolder({ dataDir: folder.dir }),
    followedStore: (origin) => new FollowedFolder(folder.followed(origin)),
    ...cosignerStates(folder),
    vault,
    copies:
      config.follow === undefined
        ? undefined
        : {
            copy: await openCopyOf(folder, vaultKeys, vault, logger),
            freeBytes: () => freeBytesIn(folder.vaultCopy),
          },
    freeBytes: () => freeBytesIn(folder.vault),
    holdingsKey: new Uint8Array(hkdfSync('sha256', vaultKeys.vaultKey, '', 'vitrine-holdings/v1', 32)),
    readModels: openReadModels(folder.readModels),
    words: sqliteWordIndex,
    local: openLocalState(folder),
    forkFiles: new ForkFolder(folder.forks),
    logger,
    webRoot: existsSync(webRoot) ? webRoot : undefined,
    version: version(),
  });

  endOnSignal(logger, () => centre.close());
  const url = await centre.listen();
  process.stdout.write(`${url}\n`);
}

async function restoreLogs(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    // `--from A B C` as well as one option a mirror.
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      data: { type: 'string' },
      from: { type: 'string', multiple: true },
      begin: { type: 'string', multiple: true },
      'new-cosigners': { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  const { folder, config } = openConfiguration(values);
  const [first, ...more] = [...(values.from ?? []), ...positionals];
  const mirrors = [required(first, '--from'), ...more];
  const logs = logSpecs(config, folder);
  const unknown = (values.begin ?? []).find((log) => !logs.some(({ name }) => name === log));
  if (unknown !== undefined) throw new ConfigError(`--begin ${unknown}: this centre writes no such log`);
  const policy = parseNativePolicy(readFileSync(folder.policy, 'utf8'));
  const storage = await openRestoreFolder({
    dataDir: folder.dir,
    cosigners: {
      keys: [folder.witnessKey, folder.mirrorKey].map((path) => relative(folder.dir, path)),
      states: [folder.witnessState, folder.mirrorState].map((path) => relative(folder.dir, path)),
      create: createCosigners,
    },
    nowMs: Date.now,
  });
  const output = (text: string): void => void process.stdout.write(text);
  try {
    const restored = await restore({
      logs,
      pair: config.follow === undefined ? { lead: ROOT_LOG, companion: KEYS_LOG } : undefined,
      mirrors,
      begin: values.begin ?? [],
      storage,
      acceptanceOf: acceptanceUnder(policy),
      cosigns: config.roles.includes('witness'),
      newCosigners: values['new-cosigners'] ?? false,
      onTaking: (origin, from, size) => {
        if (values.json !== true) output(`${origin}: ${size} entries, from ${from}\n`);
      },
    });
    output(
      values.json === true ? `${JSON.stringify({ ok: true, ...restored })}\n` : describeRestored(restored),
    );
  } catch (error) {
    if (!(error instanceof RestoreError)) throw error;
    const { code, message, checkpoints } = error;
    if (values.json === true)
      output(
        `${JSON.stringify({ ok: false, code, reason: message, ...(checkpoints === undefined ? {} : { checkpoints }) })}\n`,
      );
    else process.stderr.write(`vitrine: ${message}\n`);
    process.exitCode = 1;
  } finally {
    await storage.close();
  }
}

/** As a centre is made with. */
async function createCosigners(dir: string): Promise<void> {
  const folder = dataFolder(dir);
  await createCosignerStates(folder);
  for (const file of [folder.witnessKey, folder.mirrorKey]) createKeyFile(file);
}

async function vaultCheck(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { data: { type: 'string' }, json: { type: 'boolean' } } });
  const folder = dataFolder(required(values.data, '--data'));
  readConfig(folder);
  const lock = await openLogFolder({ dataDir: folder.dir });
  const keys = readVaultKeys(folder);
  const vault = await openVaultOf(folder, keys);
  const copy = existsSync(folder.vaultCopy) ? await openCopyOf(folder, keys, vault) : undefined;
  const ok = await checkVault({
    vault,
    copy,
    json: values.json === true,
    print: (text) => process.stdout.write(text),
    onProgress: ({ packs, packCount, objects }) => {
      if (values.json !== true && process.stderr.isTTY)
        process.stderr.write(`\r${packs}/${packCount} packs, ${objects} objects`);
    },
  });
  await copy?.close();
  await vault.close();
  await lock.close();
  process.exitCode = ok ? 0 : 1;
}

async function vaultRecipient(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { data: { type: 'string' } } });
  const folder = dataFolder(required(values.data, '--data'));
  readConfig(folder);
  process.stdout.write(`${await recipientOf(readVaultKeys(folder))}\n`);
}

async function vaultGrant(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      data: { type: 'string' },
      to: { type: 'string' },
      pack: { type: 'string', multiple: true },
      all: { type: 'boolean' },
      end: { type: 'boolean' },
    },
  });
  const folder = dataFolder(required(values.data, '--data'));
  const recipient = required(values.to, '--to');
  const chosen = [values.all === true, values.end === true, values.pack !== undefined];
  if (chosen.filter(Boolean).length !== 1)
    throw new ConfigError(`one of --all, --pack ID... and --end must be given\n\n${USAGE}`);
  readConfig(folder);
  const lock = await openLogFolder({ dataDir: folder.dir });
  const vault = await openVaultOf(folder, readVaultKeys(folder));
  try {
    await grantVault({
      vault,
      recipient,
      packIds: values.pack ?? (values.all === true ? 'all' : 'none'),
      print: (text) => process.stdout.write(text),
    });
  } finally {
    await vault.close();
    await lock.close();
  }
}

async function witnessServe(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    // `--origin-vkey A B C` as well as one option a key.
    allowPositionals: true,
    options: {
      listen: { type: 'string' },
      data: { type: 'string' },
      name: { type: 'string' },
      'origin-vkey': { type: 'string', multiple: true },
    },
  });
  const { host, port } = parseListen(required(values.listen, '--listen'));
  const folder = witnessFolder(required(values.data, '--data'));
  const [first, ...rest] = [...(values['origin-vkey'] ?? []), ...positionals];
  const verifiersOf = logVerifiers([required(first, '--origin-vkey'), ...rest]);
  const logger = createLogger();
  mkdirSync(folder.dir, { recursive: true, mode: 0o700 });
  const lock = lockDataFolder(folder.lock);
  const state = new FileWitnessState({ folder: folder.state });
  if (!hasWitnessKey(folder)) await state.create();
  const witness = await createWitness({
    ...openWitnessIdentity(folder, values.name),
    verifiersOf,
    state,
    clock: systemClock,
    logger,
    onFork: (fork) =>
      logger.error(fork, 'a log has signed two checkpoints of one size: keep this line, it is proof'),
  });
  const server = await createWitnessServer(witness, logger);
  endOnSignal(logger, async () => {
    await server.close();
    lock.release();
  });
  process.stdout.write(`${await server.listen(host, port)} ${witness.vkey}\n`);
}

async function followLog(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      data: { type: 'string' },
      log: { type: 'string' },
      vkey: { type: 'string' },
      once: { type: 'boolean' },
      json: { type: 'boolean' },
    },
  });
  const publicFolder = required(values.data, '--data');
  const stateFolder = join(publicFolder, '.follow');
  const url = required(values.log, '--log');
  const vkey = required(values.vkey, '--vkey');
  mkdirSync(stateFolder, { recursive: true });
  const lock = lockDataFolder(join(stateFolder, 'lock.sqlite'));
  const ending = new AbortController();
  process.on('SIGTERM', () => ending.abort());
  process.on('SIGINT', () => ending.abort());
  const code = await follow({
    store: new FollowedFolder({ publicFolder, stateFolder }),
    url,
    vkey,
    once: values.once ?? false,
    json: values.json ?? false,
    signal: ending.signal,
    print: (line) => process.stdout.write(`${line}\n`),
    warn: (line) => process.stderr.write(`vitrine: ${line}\n`),
  });
  lock.release();
  process.exit(code);
}

async function main([verb, ...rest]: string[]): Promise<void> {
  if (verb === 'init') return init(rest);
  if (verb === 'serve') return serve(rest);
  if (verb === 'restore') return restoreLogs(rest);
  if (verb === 'vault' && rest[0] === 'check') return vaultCheck(rest.slice(1));
  if (verb === 'vault' && rest[0] === 'recipient') return vaultRecipient(rest.slice(1));
  if (verb === 'vault' && rest[0] === 'grant') return vaultGrant(rest.slice(1));
  if (verb === 'witness' && rest[0] === 'serve') return witnessServe(rest.slice(1));
  if (verb === 'follow') return followLog(rest);
  if (verb === 'centre' && rest[0] === 'describe') {
    const { values } = parseArgs({
      args: rest.slice(1),
      options: {
        data: { type: 'string' },
        json: { type: 'boolean' },
        announcement: { type: 'string' },
      },
    });
    const dir = required(values.data, '--data');
    if (values.announcement !== undefined) announceCentre(dir, values.announcement);
    else describeCentre(dir, values.json === true);
    return;
  }
  if (verb === 'help' || verb === '--help') {
    process.stdout.write(USAGE);
    return;
  }
  throw new ConfigError(
    verb === undefined ? USAGE : `unknown command “${[verb, ...rest].join(' ')}”\n\n${USAGE}`,
  );
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const known =
    error instanceof ConfigError ||
    error instanceof LogError ||
    error instanceof TlogError ||
    error instanceof VaultError ||
    (error instanceof Error && 'code' in error);
  process.stderr.write(
    `vitrine: ${known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(2);
});
