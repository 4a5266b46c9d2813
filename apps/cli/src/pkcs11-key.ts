/**
 * A key on a PKCS#11 token signs: Ed25519, mechanism CKM_EDDSA. Child processes speak to the token, so that no library of a vendor is
 * loaded here: pkcs11-tool of OpenSC, and for what is longer than it signs at once, OpenSSL with the provider pkcs11. Whatever they
 * answer counts if it verifies, and for nothing else.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publicKeyFromRaw } from '@vitrine/statements';
import type { Signer } from '@vitrine/statements';
import { verifyWithOpenssl } from './ed25519.ts';
import { couldNotRun, refused } from './failure.ts';
import type { Failure } from './failure.ts';
import { formatPkcs11Uri } from './pkcs11-uri.ts';
import type { Pkcs11Key } from './pkcs11-uri.ts';

/** EdDSA signs in one part, and pkcs11-tool reads no more of a message before it goes over to several. */
const TOOL_MAX_BYTES = 1024;
const TIMEOUT_MS = 120_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
/** The PIN travels to a child in its environment, which only this user reads; never in its arguments. */
const PIN_VARIABLE = 'VITRINE_PKCS11_PIN';

/** @param pin asked for once, when the key is first used @throws Failure that says what is not there */
export async function openPkcs11Key(
  key: Pkcs11Key,
  environment: NodeJS.ProcessEnv,
  pin: () => Promise<string>,
): Promise<Signer> {
  const { stdout } = await runTool([...tokenOf(key), '--list-objects', '--type', 'pubkey'], environment);
  const publicKey = publicKeyFromRaw(rawKeyOf(stdout, key));
  let known: Promise<string> | undefined;
  return {
    ...publicKey,
    async sign(message) {
      known ??= pin();
      const withPin = { ...environment, [PIN_VARIABLE]: await known };
      const signature = await inFolder(message, async (input, output) =>
        message.length <= TOOL_MAX_BYTES
          ? runTool([...placeOf(key), ...SIGNING, '--input-file', input, '--output-file', output], withPin)
          : runOpenssl(key, input, output, withPin),
      );
      if (verifyWithOpenssl(publicKey.spki, message, signature)) return signature;
      throw refused('what the token answered is no signature by its own key; nothing was signed');
    },
  };
}

const SIGNING = ['--login', '--pin', `env:${PIN_VARIABLE}`, '--sign', '--mechanism', 'EDDSA'];

function tokenOf({ modulePath, token }: Pkcs11Key): readonly string[] {
  return ['--module', modulePath, '--token-label', token];
}

function placeOf(key: Pkcs11Key): readonly string[] {
  const { id, object } = key;
  return [
    ...tokenOf(key),
    ...(id === undefined ? [] : ['--id', id]),
    ...(object === undefined ? [] : ['--label', object]),
  ];
}

/**
 * A key in a listing of pkcs11-tool, which lists them all, whatever it is asked for: its CKA_EC_POINT, 32 bytes, in a DER OCTET STRING
 * or bare (PKCS#11 3.1, 6.3.5, and older tokens).
 */
export function rawKeyOf(listing: string, { id, object }: Pick<Pkcs11Key, 'id' | 'object'>): Uint8Array {
  const points = listing
    .split(/^(?=Public Key Object)/m)
    .filter((one) => object === undefined || /^ {2}label: {6}(.*)$/m.exec(one)?.[1] === object)
    .filter((one) => id === undefined || /^ {2}ID: {9}([0-9a-f]+)\s*$/m.exec(one)?.[1] === id)
    .flatMap((one) => /^ {2}EC_POINT: {3}(?:0420)?([0-9a-f]{64})\s*$/m.exec(one)?.[1] ?? []);
  const [point, ...others] = points;
  if (point === undefined)
    throw couldNotRun(
      'the token shows no Ed25519 public key of that name: it must hold the public key beside the private one (Vitrine signs with Ed25519)',
    );
  if (others.length > 0)
    throw couldNotRun('several keys of the token have that name: name one by its id as well, id=%HH');
  return Buffer.from(point, 'hex');
}

async function inFolder(
  message: Uint8Array,
  sign: (input: string, output: string) => Promise<Ran>,
): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'vitrine-sign-'));
  try {
    const [input, output] = [join(folder, 'message'), join(folder, 'signature')];
    await writeFile(input, message, { mode: 0o600 });
    const { stderr } = await sign(input, output);
    try {
      return await readFile(output);
    } catch (cause) {
      throw refused(`the token did not sign: ${lastLine(stderr)}`, cause);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
}

async function runTool(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<Ran> {
  const ran = await run(
    'pkcs11-tool',
    args,
    environment,
    'it is in the package opensc: apt-get install opensc',
  );
  if (ran.exitCode === 0) return ran;
  throw refused(`pkcs11-tool: ${lastLine(ran.stderr)}`);
}

/** Its exit code says nothing: after it has signed, it may crash when it unloads a token's library. Its output is verified. */
async function runOpenssl(
  key: Pkcs11Key,
  input: string,
  output: string,
  environment: NodeJS.ProcessEnv,
): Promise<Ran> {
  const ran = await run(
    'openssl',
    [
      ...['pkeyutl', '-provider', 'default', '-provider', 'pkcs11', '-sign', '-rawin'],
      ...['-inkey', formatPkcs11Uri(key), '-passin', `env:${PIN_VARIABLE}`, '-in', input, '-out', output],
    ],
    { ...environment, PKCS11_PROVIDER_MODULE: key.modulePath },
    'apt-get install openssl',
  );
  if (/unable to load provider pkcs11/.test(ran.stderr))
    throw couldNotRun(
      `pkcs11-tool signs at most ${TOOL_MAX_BYTES} bytes with EdDSA, and this statement is longer: OpenSSL signs it with the provider pkcs11, which is not here. It is in the package pkcs11-provider (Debian 13, Fedora); elsewhere https://github.com/latchset/pkcs11-provider`,
    );
  return ran;
}

function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  toInstall: string,
): Promise<Ran & { readonly exitCode: number | null }> {
  return new Promise((resolve, reject: (failure: Failure) => void) => {
    const child = execFile(
      program,
      args,
      { env, timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES },
      (error, stdout, stderr) => {
        if (error?.code === 'ENOENT') reject(couldNotRun(`${program} is not installed; ${toInstall}`, error));
        else resolve({ stdout, stderr, exitCode: child.exitCode });
      },
    );
    // Whoever asks for a PIN at the terminal shall not be answered with what somebody types for us.
    child.stdin?.end();
  });
}

function lastLine(text: string): string {
  return (
    text
      .trim()
      .split('\n')
      .filter((line) => line.trim() !== 'Aborting.')
      .at(-1) ?? 'it gave no reason'
  );
}
