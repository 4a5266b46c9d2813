/** `vitrine keys policy`: other rules of registration, from a file. */
import { policyAt, registrationPolicyStatement } from '@vitrine/statements';
import type { RegistrationRule } from '@vitrine/statements';
import * as v from 'valibot';
import { couldNotRun, refused } from '../failure.ts';
import { nextVersion, sayInKeysLog } from '../key-statement.ts';
import type { SayingOptions } from '../key-statement.ts';
import { readText } from '../release-contents.ts';
import type { Terminal } from '../terminal.ts';

export interface KeysPolicyOptions extends SayingOptions {
  readonly rules: string;
  readonly asVersion?: number;
}

const RULES_MAX_BYTES = 64 * 1024;
const rulesSchema = v.array(
  v.strictObject({ predicateType: v.string(), role: v.string(), threshold: v.number() }),
);

/** @returns the exit code @throws Failure, ApiError */
export async function keysPolicy(options: KeysPolicyOptions, terminal: Terminal): Promise<0> {
  const rules = readRules(options.rules, await readText(options.rules, RULES_MAX_BYTES));
  return sayInKeysLog(options, terminal, (ground) => {
    const { log, state } = ground;
    const version = nextVersion(ground, ({ policies }) => policies.at(-1)?.version ?? 0, options.asVersion);
    const statement = registrationPolicyStatement({ log, version, rules });
    const current = state === undefined ? undefined : policyAt(state, state.lastRegisteredAtMs)?.rules;
    if (JSON.stringify(current?.map(ordered)) === JSON.stringify(statement.predicate.rules.map(ordered)))
      throw refused('these are the rules in force already');
    return statement;
  });
}

/** @throws Failure that says where */
function readRules(file: string, bytes: Uint8Array): RegistrationRule[] {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw couldNotRun(`${file} is not JSON`, cause);
  }
  const parsed = v.safeParse(rulesSchema, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const where = v.getDotPath(issue);
  throw couldNotRun(
    `${file}${where === null ? '' : ` at ${where}`}: ${issue.message}. A list of {"predicateType", "role", "threshold"} is expected, as in "rules" of vitrine keys list --json`,
  );
}

function ordered({ predicateType, role, threshold }: RegistrationRule): readonly [string, string, number] {
  return [predicateType, role, threshold];
}
