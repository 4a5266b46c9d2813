// A table of the types of statements that a reader knows. Who needs few of them loads few: the verifier that a customer
// embeds knows what evidence holds, a centre knows everything that may be said at it.

import type * as v from 'valibot';
import type { JsonValue } from './canonical-json.ts';

/** The kinds of logs that statements stand in. */
export type StatementLog = 'statements' | 'keys' | 'intake';

/** What every statement has, whatever its type. */
// A type, not an interface: only that is JSON to the compiler.
export type StatementShape = {
  readonly _type: string;
  readonly predicate: { readonly log: string; readonly [member: string]: JsonValue };
  readonly predicateType: string;
  readonly subject: readonly JsonValue[];
};

/** By the URI of the type: the log that it belongs to, and its schema. */
export type TypeTable = Readonly<
  Record<string, { readonly log: StatementLog; readonly schema: v.GenericSchema<unknown, StatementShape> }>
>;

/** A statement of any type in the table. */
export type StatementOf<Types extends TypeTable> = v.InferOutput<Types[keyof Types]['schema']>;

/** A statement of those types in the table that belong to one kind of log. */
export type StatementIn<Types extends TypeTable, Log extends StatementLog> = {
  [Type in keyof Types]: Types[Type]['log'] extends Log ? v.InferOutput<Types[Type]['schema']> : never;
}[keyof Types];

/** Whether the table has the type. */
export function hasType<Types extends TypeTable>(types: Types, uri: string): uri is keyof Types & string {
  return Object.hasOwn(types, uri);
}
