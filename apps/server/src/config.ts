/** The configuration of an instance: `vitrine.json` in its data folder, written by `init`, edited by its operator. */
import * as v from 'valibot';
import { instanceName, REGIONS } from '@vitrine/statements';

const LogNameSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z][a-z0-9-]{0,62}$/, 'a log name: a–z, then a–z 0–9 -, at most 63 characters'),
);
const DurationMsSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

/** What a centre does: writes the vendor's logs, follows them, cosigns checkpoints, gives reviewers a room to read in. */
const ROLES_OF_CENTRES = ['follower', 'reading-room', 'witness', 'writer'] as const;

const UrlSchema = v.pipe(
  v.string(),
  v.regex(/^https?:\/\/[^\s?#]+[^\s?#/]$/, 'http(s)://… without a slash at its end'),
);

const CountSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(1));

const WatchesSchema = v.strictObject({
  /** Whether anyone may ask to be told. */
  enabled: v.optional(v.boolean(), true),
  /** Watches kept at once, confirmed or not. */
  most: v.optional(v.pipe(CountSchema, v.maxValue(10_000)), 256),
  /** Of these, watches of one host. */
  mostPerHost: v.optional(CountSchema, 16),
  /** Watches and challenges that one caller, by network address, may ask for in an hour. */
  perCallerHourly: v.optional(CountSchema, 20),
  /** Also plain http, and addresses of this machine and of private networks: for tests and in-house use. */
  allowPrivateAddresses: v.optional(v.boolean(), false),
  /** The DNS servers to ask for the addresses of receivers, ADDRESS or ADDRESS:PORT; those of the system when there are none. */
  dnsServers: v.optional(
    v.array(v.pipe(v.string(), v.regex(/^[0-9a-fA-F:.[\]]{2,64}$/, 'an IP address, perhaps with :PORT'))),
    [],
  ),
});

export type WatchesConfig = v.InferOutput<typeof WatchesSchema>;

export const ConfigSchema = v.pipe(
  v.strictObject({
    /** Version of this file's format. */
    format: v.literal(1),
    /** The origin of log L is NAME/L. */
    name: instanceName,
    /** The data folder, absolute or relative to this file; by default the folder that the file is in. */
    data: v.optional(v.pipe(v.string(), v.minLength(1))),
    /** Who runs this instance, as policies name it. */
    operator: v.pipe(v.string(), v.regex(/^\S{1,64}$/, 'a word without spaces, at most 64 characters')),
    openLogs: v.array(LogNameSchema),
    roles: v.optional(v.array(v.picklist(ROLES_OF_CENTRES)), ['reading-room', 'witness', 'writer']),
    /** Where it stands, and at which address others reach it: what the vendor announces of it. */
    place: v.optional(
      v.strictObject({
        city: v.pipe(v.string(), v.minLength(1), v.maxLength(64)),
        country: v.pipe(v.string(), v.regex(/^[A-Z]{2}$/, 'a country of ISO 3166-1 alpha-2, for example CH')),
        region: v.picklist(REGIONS),
        url: UrlSchema,
      }),
    ),
    /** The address of the writer that a follower follows; whose logs those are is what `policy.txt` says. */
    follow: v.optional(v.strictObject({ url: UrlSchema })),
    /** How often a follower looks for new checkpoints. */
    followIntervalMs: v.optional(DurationMsSchema, 1_000),
    /** Other servers that the monitor watches, besides the announced centres. */
    watch: v.optional(v.array(UrlSchema), []),
    /** How often the monitor looks at what other centres show. */
    watchIntervalMs: v.optional(DurationMsSchema, 10_000),
    /** Whom this centre tells of what is published (webhooks). */
    watches: v.optional(WatchesSchema, {}),
    listen: v.optional(v.string(), '127.0.0.1:8080'),
    /** An appended entry is promised in a published checkpoint within this time (acceptances say so). */
    publishByMs: v.optional(DurationMsSchema, 60_000),
    /** At most one publication of a log in this time. */
    publishIntervalMs: v.optional(DurationMsSchema, 200),
    /** At most one `head` entry a log in this time. */
    anchorIntervalMs: v.optional(DurationMsSchema, 1_000),
    /** An idle log's checkpoint is cosigned anew this often. */
    refreshIntervalMs: v.optional(DurationMsSchema, 600_000),
    /** An evidence request finds a cosignature no older than this. */
    evidenceMaxAgeMs: v.optional(DurationMsSchema, 30_000),
    /** Objects up to this size may be public bodies, in bytes. */
    maxBodyBytes: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1)), 64 * 1024 * 1024),
  }),
  v.forward(
    v.check(
      ({ follow, roles }) => (follow !== undefined) === roles.includes('follower'),
      'a follower, and no other centre, has an address to follow',
    ),
    ['follow'],
  ),
  v.forward(
    v.check(
      ({ roles }) => roles.includes('follower') !== roles.includes('writer'),
      'a centre is either the writer or a follower',
    ),
    ['roles'],
  ),
);

export type Config = v.InferOutput<typeof ConfigSchema>;

/** The configuration is missing, not JSON, or says something that it may not say. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** @throws ConfigError naming the member that is wrong */
export function parseConfig(text: string, file: string): Config {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${file} is not JSON: ${cause instanceof Error ? cause.message : ''}`, { cause });
  }
  const parsed = v.safeParse(ConfigSchema, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new ConfigError(`${file}: “${v.getDotPath(issue) ?? 'the whole'}” is wrong: ${issue.message}`);
}

/** `HOST:PORT`, also `[v6]:PORT`; port 0 lets the system choose. @throws ConfigError */
export function parseListen(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || !(port <= 65_535))
    throw new ConfigError(`“${text}” is not HOST:PORT (for example 127.0.0.1:8080)`);
  return { host, port };
}
