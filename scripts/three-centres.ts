/**
 * Three centres on this machine, as their operators would make them: the vendor's in Washington writes, Zurich and Singapore follow
 * it, each with keys of its own. Every step finds out first whether it was done, so that an interrupted beginning goes on.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { createApiClient } from '@vitrine/api';
import { CENTRE_TYPE, parseStatementLeaf } from '@vitrine/statements';
import { decodeBase64, formatVkey } from '@vitrine/tlog';
import { formatVerificationPolicy, parseVerificationPolicy } from '@vitrine/verifier';
import { run } from './child-process.ts';
import { bin } from './repository.ts';

/** Where each stands; the first one writes. */
const CITIES = [
  { city: 'Washington', country: 'US', region: 'North America' },
  { city: 'Zurich', country: 'CH', region: 'Europe' },
  { city: 'Singapore', country: 'SG', region: 'Asia' },
] as const;

export interface CentreSite {
  /** Its name, and its operator's: each is run by another party. */
  readonly name: string;
  /** The data folder, absolute. */
  readonly dir: string;
  readonly port: number;
  readonly url: string;
  readonly place: (typeof CITIES)[number];
}

export interface ThreeSites {
  readonly washington: CentreSite;
  readonly zurich: CentreSite;
  readonly singapore: CentreSite;
}

export interface ThreeSitesOptions {
  /** The folder that holds the three data folders. */
  readonly parent: string;
  /** On loopback; in every policy and announcement, so chosen beforehand. */
  readonly ports: readonly [number, number, number];
  /** The vendor's name: the origin of its root log is NAME/statements. */
  readonly vendor: string;
}

export function threeSites({ parent, ports, vendor }: ThreeSitesOptions): ThreeSites {
  const site = (index: 0 | 1 | 2, name: string): CentreSite => ({
    name,
    dir: join(parent, CITIES[index].city.toLowerCase()),
    port: ports[index],
    url: `http://127.0.0.1:${ports[index]}`,
    place: CITIES[index],
  });
  return {
    washington: site(0, vendor),
    zurich: site(1, 'zurich.localhost'),
    singapore: site(2, 'singapore.localhost'),
  };
}

export const sitesOf = ({ washington, zurich, singapore }: ThreeSites): readonly CentreSite[] => [
  washington,
  zurich,
  singapore,
];

const DescribedSchema = v.object({
  witness: v.string(),
  mirror: v.string(),
  intake: v.strictObject({ origin: v.string(), vkey: v.string() }),
});
type Described = v.InferOutput<typeof DescribedSchema>;

/** Makes what is missing of the three data folders, and lets all three agree on one policy. @returns whether a folder was made */
export async function makeThreeCentres(
  sites: ThreeSites,
  { openLogs = [] }: { readonly openLogs?: readonly string[] } = {},
): Promise<boolean> {
  const { washington } = sites;
  const made: string[] = [];
  mkdirSync(join(washington.dir, '..'), { recursive: true });
  for (const { dir, name } of sitesOf(sites)) {
    if (existsSync(join(dir, 'vitrine.json'))) continue;
    const how =
      dir === washington.dir
        ? openLogs.flatMap((log) => ['--open-log', log])
        : ['--follow', washington.url, '--policy', join(washington.dir, 'policy.txt')];
    await run(bin('vitrine'), ['init', '--data', dir, '--origin', name, ...how]);
    made.push(dir);
  }
  for (const site of sitesOf(sites)) configure(site, washington);
  const policy = await commonPolicy(sites);
  for (const { dir } of sitesOf(sites)) replaceFile(join(dir, 'policy.txt'), policy);
  return made.length > 0;
}

/** Says in the configuration where the centre stands, and where the writer is now. */
function configure({ dir, place, url }: CentreSite, washington: CentreSite): void {
  const file = join(dir, 'vitrine.json');
  const config = v.parse(v.looseObject({}), JSON.parse(readFileSync(file, 'utf8')));
  const follow = dir === washington.dir ? {} : { follow: { url: washington.url } };
  replaceFile(file, `${JSON.stringify({ ...config, place: { ...place, url }, ...follow }, null, 2)}\n`);
}

/** Two of three operators; of another's centre both the witness and the mirror count, or neither. */
async function commonPolicy(sites: ThreeSites): Promise<string> {
  const { washington, zurich, singapore } = sites;
  const { tlog, keysEntry0 } = parseVerificationPolicy(
    readFileSync(join(washington.dir, 'policy.txt'), 'utf8'),
  );
  const self = tlog.witnesses.find(({ name }) => name === 'self');
  if (self === undefined) throw new Error(`${washington.dir}/policy.txt names no witness “self”`);
  const followers = [
    { called: 'zurich', site: zurich, keys: await describe(zurich) },
    { called: 'singapore', site: singapore, keys: await describe(singapore) },
  ];
  return formatVerificationPolicy({
    logs: tlog.logs.map(({ key: { name, publicKey } }) => ({
      vkey: formatVkey({ name, type: 0x01, publicKey }),
    })),
    witnesses: [
      { name: 'self', vkey: formatVkey({ name: self.key.name, type: 0x04, publicKey: self.key.publicKey }) },
      ...followers.flatMap(({ called, site, keys }) => [
        { name: `${called}-witness`, vkey: keys.witness, url: `${site.url}/witness` },
        { name: `${called}-mirror`, vkey: keys.mirror, url: `${site.url}/mirror` },
      ]),
    ],
    groups: [
      ...followers.map(({ called }) => ({
        name: called,
        threshold: 'all' as const,
        members: [`${called}-witness`, `${called}-mirror`],
      })),
      { name: 'centres', threshold: 2, members: ['self', ...followers.map(({ called }) => called)] },
    ],
    quorum: 'centres',
    keysEntry0,
    operators: [
      { operator: washington.name, keyNames: [self.key.name] },
      ...followers.map(({ site }) => ({
        operator: site.name,
        keyNames: [`${site.name}/witness`, `${site.name}/mirror`],
      })),
    ],
  });
}

async function describe({ dir }: CentreSite): Promise<Described> {
  const text = await run(bin('vitrine'), ['centre', 'describe', '--data', dir, '--json']);
  return v.parse(DescribedSchema, JSON.parse(text));
}

/** Announces in the root log, once, each centre as it is now, and whose cosignatures count. The three must be running. */
export async function announceThreeCentres(sites: ThreeSites): Promise<void> {
  const { washington, zurich, singapore } = sites;
  const api = createApiClient(washington.url);
  const { centres } = await api.call('centres');
  for (const site of sitesOf(sites)) {
    const known = centres.find(({ name }) => name === site.name);
    if (known?.url === site.url && known.working) continue;
    const version = known === undefined ? 1 : (await announcedVersion(washington.url, known.leafIndex)) + 1;
    const file = join(site.dir, 'announcement.json');
    const { intake, mirror, witness } = await describe(site);
    const centre = { name: site.name, operator: site.name, ...site.place, url: site.url };
    replaceFile(file, `${JSON.stringify({ centre, witness, mirror, intake, version }, null, 2)}\n`);
    await run(bin('vitrine'), [
      ...['publish', 'centre', '--server', washington.url, '--key', rootKeyOf(washington.dir)],
      ...['--file', file],
    ]);
  }
  await nameWitnesses(washington, [
    {
      kind: 'witness',
      operator: washington.name,
      vkey: (await api.call('centre')).cosigner,
      url: null,
    },
    ...(
      await Promise.all(
        [zurich, singapore].map(async (site): Promise<NamedWitness[]> => {
          const { mirror, witness } = await describe(site);
          const operator = site.name;
          return [
            { kind: 'witness', operator, vkey: witness, url: `${site.url}/witness` },
            { kind: 'mirror', operator, vkey: mirror, url: `${site.url}/mirror` },
          ];
        }),
      )
    ).flat(),
  ]);
}

const NamedWitnessSchema = v.strictObject({
  kind: v.picklist(['mirror', 'witness']),
  operator: v.string(),
  url: v.nullable(v.string()),
  vkey: v.string(),
});
type NamedWitness = v.InferOutput<typeof NamedWitnessSchema>;

const KeysListSchema = v.object({
  witnesses: v.nullable(v.object({ witnesses: v.array(NamedWitnessSchema) })),
});

/** Lets the keys log name those who must cosign, unless it does. */
async function nameWitnesses({ dir, url }: CentreSite, witnesses: readonly NamedWitness[]): Promise<void> {
  const spelt = (named: readonly NamedWitness[]): string =>
    named
      .map(({ kind, operator, vkey, url: at }) => `${kind} ${operator}=${vkey}${at === null ? '' : `@${at}`}`)
      .toSorted()
      .join('\n');
  const listed = await run(bin('vitrine'), ['keys', 'list', '--server', url, '--json']);
  const known = v.parse(KeysListSchema, JSON.parse(listed)).witnesses?.witnesses ?? [];
  if (spelt(known) === spelt(witnesses)) return;
  await run(bin('vitrine'), [
    ...['keys', 'witnesses', '--server', url, '--key', rootKeyOf(dir), '--json'],
    ...['--quorum', '2', '--mirror-quorum', '1'],
    ...witnesses.flatMap(({ kind, operator, vkey, url: at }) => [
      `--${kind}`,
      `${operator}=${vkey}${at === null ? '' : `@${at}`}`,
    ]),
  ]);
}

/** The version of the announcement in this entry of the root log. */
async function announcedVersion(server: string, leafIndex: number): Promise<number> {
  const { leaf } = await createApiClient(server).call('entry', {
    params: { log: 'statements', index: String(leafIndex) },
  });
  const { statement } = parseStatementLeaf(decodeBase64(leaf));
  return statement.predicateType === CENTRE_TYPE ? statement.predicate.version : 0;
}

const rootKeyOf = (dir: string): string => join(dir, 'keys', 'root.pem');

/** Whole or not at all. */
function replaceFile(file: string, text: string): void {
  const next = `${file}.next`;
  writeFileSync(next, text);
  renameSync(next, file);
}
