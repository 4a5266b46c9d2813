/** `vitrine keys add`: lets a key speak in roles. Once: what a key may say never changes later. */
import {
  formatPublicKey,
  type KeysState,
  keyAddStatement,
  policyAt,
  type RoleGrant,
  CENTRE_ROLE,
  LIAISON_ROLE,
  ROLES,
} from '@vitrine/statements';
import { couldNotRun, refused } from '../failure.ts';
import { readHolder } from '../key-holder-file.ts';
import { sayInKeysLog } from '../key-statement.ts';
import type { SayingOptions } from '../key-statement.ts';
import { printable } from '../printable.ts';
import { readPublicKey } from '../public-key-option.ts';
import type { Terminal } from '../terminal.ts';

export interface KeysAddOptions extends SayingOptions {
  readonly public: string;
  readonly role: readonly string[];
  /** A file of `vitrine keys holder`, or the commitment to one that somebody else keeps. */
  readonly holder?: string;
}

/** @returns the exit code @throws Failure, ApiError */
export async function keysAdd(options: KeysAddOptions, terminal: Terminal): Promise<0> {
  const key = await readPublicKey(options.public);
  const roles = grantsOf(options.role);
  const holder = options.holder === undefined ? undefined : await readCommitment(options.holder, terminal);
  return sayInKeysLog(options, terminal, ({ log, state }) => {
    checkRoles(roles, state, terminal);
    return keyAddStatement({
      log,
      key: formatPublicKey(key),
      roles: [...roles],
      ...(holder === undefined ? {} : { holder }),
    });
  });
}

/** @throws Failure */
async function readCommitment(text: string, terminal: Terminal): Promise<string> {
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  const { holder, commitment } = await readHolder(text);
  terminal.note(`${printable(`${text}: ${holder}`)} (only the commitment to it goes into the log)`);
  return commitment;
}

/** ROLE for every product, or ROLE=PRODUCT,PRODUCT. Products of a role that is named twice are gathered. @throws Failure */
function grantsOf(texts: readonly string[]): readonly RoleGrant[] {
  const grants = new Map<string, Set<string>>();
  for (const text of texts) {
    const [role = '', products, ...rest] = text.split('=');
    const names = products === undefined ? ['*'] : products.split(',');
    if (role === '' || rest.length > 0 || names.includes(''))
      throw couldNotRun(`--role ${text}: ROLE or ROLE=PRODUCT,PRODUCT is expected`);
    const gathered = grants.get(role) ?? new Set();
    for (const name of names) gathered.add(name);
    grants.set(role, gathered);
  }
  return [...grants]
    .map(([role, products]) => ({ role, products: products.has('*') ? ['*'] : [...products].sort() }))
    .sort((a, b) => (a.role < b.role ? -1 : 1));
}

/** A misspelt role could never be mended for this key: keys are added once. @throws Failure */
function checkRoles(roles: readonly RoleGrant[], state: KeysState | undefined, terminal: Terminal): void {
  const asked =
    state === undefined
      ? ROLES
      : (policyAt(state, state.lastRegisteredAtMs)?.rules ?? []).map(({ role }) => role);
  const known = new Set<string>([...asked, CENTRE_ROLE, LIAISON_ROLE]);
  const names = [...known].sort().join(', ');
  for (const { role } of roles) {
    if (known.has(role)) continue;
    if (state === undefined)
      terminal.note(
        `warning: ${role} is not a role of a fresh instance (${names}); make sure that the registration policy has a rule for it`,
      );
    else
      throw refused(
        `no rule of the registration policy asks for the role ${role}, only for ${names}; add the rule first (vitrine keys policy)`,
      );
  }
}
