// Verification policies: a C2SP tlog-policy and what that format lacks in `#vitrine` comment lines. See
// docs/formats/evidence.md. The policy is all that a verifier believes.

import { parsePolicy, type Policy, type PolicyComment, TlogError } from '@vitrine/tlog';
import { formatDuration, parseDuration } from './duration.ts';
import { EvidenceError } from './error.ts';

export interface VerificationPolicy {
  readonly tlog: Policy;
  /** NAME in the origins of the two logs. */
  readonly instance: string;
  /** NAME/statements. */
  readonly rootOrigin: string;
  /** NAME/keys. */
  readonly keysOrigin: string;
  /** Hex SHA-256 of the leaf bytes of entry 0 of the keys log. */
  readonly keysEntry0: string;
  readonly maxAgeMs?: number;
  /** Who operates a key, by the key's name. */
  readonly operators: ReadonlyMap<string, string>;
}

/** What formatVerificationPolicy writes. */
export interface PolicyDraft {
  /** The vkeys of NAME/statements and NAME/keys, with or without a URL. */
  readonly logs: readonly { readonly vkey: string; readonly url?: string }[];
  /** `name`: its name in this file only. */
  readonly witnesses: readonly { readonly name: string; readonly vkey: string; readonly url?: string }[];
  readonly groups?: readonly {
    readonly name: string;
    readonly threshold: number | 'any' | 'all';
    readonly members: readonly string[];
  }[];
  /** The name of a witness or a group. */
  readonly quorum: string;
  readonly keysEntry0: string;
  readonly maxAgeMs?: number;
  readonly operators?: readonly { readonly operator: string; readonly keyNames: readonly string[] }[];
}

/**
 * Parses a policy file. Every line that begins with `#vitrine` must be understood: a rule that is skipped is a
 * rule that does not hold.
 *
 * @throws EvidenceError `malformed-policy`, `no-pin`
 */
export function parseVerificationPolicy(text: string): VerificationPolicy {
  const tlog = readTlogPolicy(text);
  const names = readLogNames(tlog);
  if (tlog.quorum === 'none') {
    throw malformed('quorum none asks for no cosignature, so that no checkpoint would have a time');
  }
  const rules = new RuleReader(tlog);
  for (const comment of tlog.comments) rules.read(comment);
  if (rules.keysEntry0 === undefined) {
    throw new EvidenceError(
      'no-pin',
      'the policy has no line "#vitrine keys-entry-0 <hex>": without it the evidence would vouch for its own keys',
    );
  }
  return {
    tlog,
    ...names,
    keysEntry0: rules.keysEntry0,
    ...(rules.maxAgeMs === undefined ? {} : { maxAgeMs: rules.maxAgeMs }),
    operators: rules.operators,
  };
}

/**
 * The text of a policy file.
 *
 * @throws EvidenceError `malformed-policy`, `no-pin` if the result would not parse
 */
export function formatVerificationPolicy(draft: PolicyDraft): string {
  const lines = [
    ...draft.logs.map(({ vkey, url }) => words('log', vkey, url)),
    ...draft.witnesses.map(({ name, vkey, url }) => words('witness', name, vkey, url)),
    ...(draft.groups ?? []).map(({ name, threshold, members }) =>
      words('group', name, String(threshold), ...members),
    ),
    words('quorum', draft.quorum),
    words('#vitrine keys-entry-0', draft.keysEntry0),
    ...(draft.maxAgeMs === undefined ? [] : [words('#vitrine max-age', formatDuration(draft.maxAgeMs))]),
    ...(draft.operators ?? []).map(({ operator, keyNames }) =>
      words('#vitrine operator', operator, ...keyNames),
    ),
  ];
  const text = `${lines.join('\n')}\n`;
  parseVerificationPolicy(text);
  return text;
}

/** Who operates the key of this name, as the policy says, or undefined if it does not say. */
export function operatorOf(policy: VerificationPolicy, keyName: string): string | undefined {
  return policy.operators.get(keyName);
}

/**
 * Whether the key of this name is the vendor's own: it carries the instance's name, whatever the policy says of it, or
 * its operator also operates such a key.
 */
export function isVendorKey(policy: VerificationPolicy, keyName: string): boolean {
  const { instance, operators } = policy;
  if (carriesName(instance, keyName)) return true;
  const operator = operatorOf(policy, keyName);
  if (operator === undefined) return false;
  return (
    operator === instance ||
    [...operators].some(([name, each]) => each === operator && carriesName(instance, name))
  );
}

/** Whether a key's name says that it is the instance's own: nobody else would be believed under such a name. */
export function carriesName(instance: string, keyName: string): boolean {
  return keyName === instance || keyName.startsWith(`${instance}/`);
}

class RuleReader {
  keysEntry0: string | undefined;
  maxAgeMs: number | undefined;
  readonly operators = new Map<string, string>();
  readonly #keyNames: ReadonlySet<string>;
  readonly #named = new Set<string>();

  constructor({ logs, witnesses }: Policy) {
    this.#keyNames = new Set([...logs, ...witnesses].map(({ key }) => key.name));
  }

  read({ line, text }: PolicyComment): void {
    const [marker = '', rule = '', ...items] = text.split(/[ \t]+/).filter((item) => item !== '');
    if (!marker.toLowerCase().startsWith('#vitrine')) return;
    if (marker !== '#vitrine') throw malformedLine(line, 'a rule begins with "#vitrine" and a space');
    if (rule === 'keys-entry-0') this.#readPin(line, items);
    else if (rule === 'max-age') this.#readMaxAge(line, items);
    else if (rule === 'operator') this.#readOperator(line, items);
    else throw malformedLine(line, 'this rule is not known here, and a rule must not be skipped');
  }

  #readPin(line: number, items: readonly string[]): void {
    const [digest, ...rest] = items;
    if (this.keysEntry0 !== undefined) throw malformedLine(line, 'keys-entry-0 stands twice');
    if (digest === undefined || rest.length > 0 || !/^[0-9a-f]{64}$/.test(digest)) {
      throw malformedLine(line, 'expected "#vitrine keys-entry-0" and 64 lower-case hex digits');
    }
    this.keysEntry0 = digest;
  }

  #readMaxAge(line: number, items: readonly string[]): void {
    const [duration, ...rest] = items;
    if (this.maxAgeMs !== undefined) throw malformedLine(line, 'max-age stands twice');
    if (duration === undefined || rest.length > 0)
      throw malformedLine(line, 'expected "#vitrine max-age <n>(s|m|h|d)"');
    try {
      this.maxAgeMs = parseDuration(duration);
    } catch (cause) {
      if (cause instanceof EvidenceError) throw malformedLine(line, cause.message);
      throw cause;
    }
  }

  #readOperator(line: number, items: readonly string[]): void {
    const [operator, ...keyNames] = items;
    if (operator === undefined || keyNames.length === 0) {
      throw malformedLine(line, 'expected "#vitrine operator NAME KEYNAME…"');
    }
    if (this.#named.has(operator)) throw malformedLine(line, 'this operator has a line already');
    this.#named.add(operator);
    for (const keyName of keyNames) {
      if (!this.#keyNames.has(keyName))
        throw malformedLine(line, 'it names a key that no log or witness line has');
      if (this.operators.has(keyName))
        throw malformedLine(line, 'it names a key that has an operator already');
      this.operators.set(keyName, operator);
    }
  }
}

function readLogNames({ logs }: Policy): Pick<VerificationPolicy, 'instance' | 'rootOrigin' | 'keysOrigin'> {
  const origins = logs.map(({ key }) => key.name);
  const rootOrigin = origins.find((origin) => origin.endsWith('/statements'));
  const instance = rootOrigin?.slice(0, -'/statements'.length) ?? '';
  const keysOrigin = `${instance}/keys`;
  if (rootOrigin === undefined || instance === '' || origins.length !== 2 || !origins.includes(keysOrigin)) {
    throw malformed('it must have two log lines, for NAME/statements and NAME/keys');
  }
  return { instance, rootOrigin, keysOrigin };
}

function readTlogPolicy(text: string): Policy {
  try {
    return parsePolicy(text);
  } catch (cause) {
    if (cause instanceof TlogError) throw new EvidenceError('malformed-policy', cause.message, { cause });
    throw cause;
  }
}

function words(...items: readonly (string | undefined)[]): string {
  return items.filter((item) => item !== undefined).join(' ');
}

function malformedLine(line: number, why: string): EvidenceError {
  return malformed(`line ${line}: ${why}`);
}

function malformed(why: string): EvidenceError {
  return new EvidenceError('malformed-policy', `malformed policy: ${why}`);
}
