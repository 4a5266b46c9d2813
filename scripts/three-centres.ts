/**
 * Three centres on this machine, as their operators would make them: the vendor's in Washington writes, Zurich and Singapore follow
 * it, each with keys of its own. Every step finds out first whether it was done, so that an interrupted beginning goes on.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
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

/** Those of `npm start`: Washington's port, and the next two. */
export function ownSites(parent: string, port: number): ThreeSites {
  return threeSites({ parent, ports: [port, port + 1, port + 2], vendor: 'vitrine.localhost' });
}

export const sitesOf = ({ washington, zurich, singapore }: ThreeSites): readonly CentreSite[] => [
  washington,
  zurich,
  singapore,
];

const DescribedSchema = v.object({
  /** With which it asks the writer for the vault's packs; the writer itself has none. */
  key: v.optional(v.string()),
  witness: v.string(),
  mirror: v.string(),
});
type Described = v.InferOutput<typeof DescribedSchema>;

/**
 * Makes what is missing of the three data folders, and lets all three agree on one policy.
 * @param onMade told of each folder that was made
 */
export async function makeThreeCentres(
  sites: ThreeSites,
  {
    onMade,
    openLogs = [],
  }: { readonly onMade?: (site: CentreSite) => void; readonly openLogs?: string[] } = {},
): Promise<void> {
  const { washington } = sites;
  for (const site of sitesOf(sites)) {
    const { dir, name } = site;
    if (existsSync(join(dir, 'vitrine.json'))) continue;
    const how =
      site === washington
        ? openLogs.flatMap((log) => ['--open-log', log])
        : ['--follow', washington.url, '--policy', policyOf(washington)];
    try {
      await vitrine('init', '--data', dir, '--origin', name, ...how);
    } catch (error) {
      // Of a start that was killed, the last `init` may have outlived it and been first.
      if (!existsSync(join(dir, 'vitrine.json'))) throw error;
    }
    onMade?.(site);
  }
  for (const site of sitesOf(sites)) configure(site, washington);
  const policy = await commonPolicy(sites);
  for (const site of sitesOf(sites)) replaceFile(policyOf(site), policy);
}

/** Says in the configuration where the centre stands, where the writer is now, and that it may tell receivers on this machine. */
function configure(site: CentreSite, washington: CentreSite): void {
  const { dir, place, url } = site;
  const file = join(dir, 'vitrine.json');
  const config = v.parse(v.looseObject({}), JSON.parse(readFileSync(file, 'utf8')));
  const follow = site === washington ? {} : { follow: { url: washington.url } };
  // Everything is on this machine here, receivers of webhooks too.
  const inHouse = { watches: { allowPrivateAddresses: true } };
  replaceFile(
    file,
    `${JSON.stringify({ ...inHouse, ...config, place: { ...place, url }, ...follow }, null, 2)}\n`,
  );
}

/**
 * Two of three operators; of another's centre both the witness and the mirror count, or neither. The witness and the mirror in
 * Washington are asked too and show that the centre is at work, but the vendor counts once, by its cosigner.
 */
async function commonPolicy(sites: ThreeSites): Promise<string> {
  const { tlog, keysEntry0 } = parseVerificationPolicy(readFileSync(policyOf(sites.washington), 'utf8'));
  const self = tlog.witnesses.find(({ name }) => name === 'self');
  if (self === undefined) throw new Error(`${policyOf(sites.washington)} names no witness “self”`);
  const centres = await Promise.all(
    sitesOf(sites).map(async (site) => ({
      site,
      called: site.place.city.toLowerCase(),
      keys: await describe(site),
    })),
  );
  const others = centres.filter(({ site }) => site !== sites.washington);
  return formatVerificationPolicy({
    logs: tlog.logs.map(({ key: { name, publicKey } }) => ({
      vkey: formatVkey({ name, type: 0x01, publicKey }),
    })),
    witnesses: [
      { name: 'self', vkey: formatVkey({ name: self.key.name, type: 0x04, publicKey: self.key.publicKey }) },
      ...centres.flatMap(({ called, site, keys }) => [
        { name: `${called}-witness`, vkey: keys.witness, url: `${site.url}/witness` },
        { name: `${called}-mirror`, vkey: keys.mirror, url: `${site.url}/mirror` },
      ]),
    ],
    groups: [
      ...others.map(({ called }) => ({
        name: called,
        threshold: 'all' as const,
        members: [`${called}-witness`, `${called}-mirror`],
      })),
      { name: 'centres', threshold: 2, members: ['self', ...others.map(({ called }) => called)] },
    ],
    quorum: 'centres',
    keysEntry0,
    operators: centres.map(({ site }) => ({
      operator: site.name,
      keyNames: [
        ...(site === sites.washington ? [self.key.name] : []),
        `${site.name}/witness`,
        `${site.name}/mirror`,
      ],
    })),
  });
}

async function describe({ dir }: CentreSite): Promise<Described> {
  return v.parse(DescribedSchema, JSON.parse(await vitrine('centre', 'describe', '--data', dir, '--json')));
}

/**
 * Announces in the root log each centre as it is now, and in the keys log whose cosignatures count, unless they say so already. The
 * three must be running.
 * @param onAnnounced told of each centre that was announced
 */
export async function announceThreeCentres(
  sites: ThreeSites,
  { onAnnounced }: { readonly onAnnounced?: (site: CentreSite) => void } = {},
): Promise<void> {
  const { washington, zurich, singapore } = sites;
  const api = createApiClient(washington.url);
  const { centres } = await api.call('centres');
  for (const site of sitesOf(sites)) {
    const known = centres.find(({ name }) => name === site.name);
    if (known?.url === site.url && known.working) continue;
    const version = known === undefined ? 1 : (await announcedVersion(washington.url, known.leafIndex)) + 1;
    const file = join(site.dir, 'announcement.json');
    const how = ['--data', site.dir, '--announcement', String(version)];
    replaceFile(file, await vitrine('centre', 'describe', ...how));
    await vitrine(
      ...['publish', 'centre', '--server', washington.url, '--key', rootKeyOf(washington)],
      ...['--file', file],
    );
    onAnnounced?.(site);
  }
  const others = await Promise.all(
    [zurich, singapore].map(async (site): Promise<NamedWitness[]> => {
      const { mirror, witness } = await describe(site);
      const operator = site.name;
      return [
        { kind: 'witness', operator, vkey: witness, url: `${site.url}/witness` },
        { kind: 'mirror', operator, vkey: mirror, url: `${site.url}/mirror` },
      ];
    }),
  );
  const { cosigner } = await api.call('centre');
  for (const site of [zurich, singapore]) await letCopy(site, washington);
  await nameWitnesses(washington, [
    { kind: 'witness', operator: washington.name, vkey: cosigner, url: null },
    ...others.flat(),
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
  keys: v.array(v.object({ spki: v.string() })),
  witnesses: v.nullable(v.object({ witnesses: v.array(NamedWitnessSchema) })),
});

/** Lets a centre copy the encrypted vault, unless it may: it carries out disposals then too, and reads nothing without a grant. */
async function letCopy(site: CentreSite, washington: CentreSite): Promise<void> {
  const { key } = await describe(site);
  if (key === undefined) return;
  const listed = await vitrine('keys', 'list', '--server', washington.url, '--json');
  if (v.parse(KeysListSchema, JSON.parse(listed)).keys.some(({ spki }) => spki === key)) return;
  await vitrine(
    ...['keys', 'add', '--server', washington.url, '--key', rootKeyOf(washington)],
    ...['--public', key, '--role', 'centre'],
  );
}

/** Lets the keys log name those who must cosign, unless it does. */
async function nameWitnesses(washington: CentreSite, witnesses: readonly NamedWitness[]): Promise<void> {
  const spelt = (named: readonly NamedWitness[]): string =>
    named
      .map(({ kind, operator, vkey, url: at }) => `${kind} ${operator}=${vkey}${at === null ? '' : `@${at}`}`)
      .toSorted()
      .join('\n');
  const listed = await vitrine('keys', 'list', '--server', washington.url, '--json');
  const known = v.parse(KeysListSchema, JSON.parse(listed)).witnesses?.witnesses ?? [];
  if (spelt(known) === spelt(witnesses)) return;
  await vitrine(
    ...['keys', 'witnesses', '--server', washington.url, '--key', rootKeyOf(washington)],
    ...['--quorum', '2', '--mirror-quorum', '1'],
    ...witnesses.flatMap(({ kind, operator, vkey, url: at }) => [
      `--${kind}`,
      `${operator}=${vkey}${at === null ? '' : `@${at}`}`,
    ]),
  );
}

/** The version of the announcement in this entry of the root log. */
async function announcedVersion(server: string, leafIndex: number): Promise<number> {
  const { leaf } = await createApiClient(server).call('entry', {
    params: { log: 'statements', index: String(leafIndex) },
  });
  const { statement } = parseStatementLeaf(decodeBase64(leaf));
  return statement.predicateType === CENTRE_TYPE ? statement.predicate.version : 0;
}

/** The key that may publish. */
export const rootKeyOf = ({ dir }: CentreSite): string => join(dir, 'keys', 'root.pem');

const policyOf = ({ dir }: CentreSite): string => join(dir, 'policy.txt');

/** What it says beside its result is for whoever runs it by hand. */
const vitrine = (...args: string[]): Promise<string> => run(bin('vitrine'), args, { quiet: true });

/** Whole or not at all. */
function replaceFile(file: string, text: string): void {
  const next = `${file}.next`;
  writeFileSync(next, text);
  renameSync(next, file);
}
