/** Entries through `POST /logs/NAME/add-batch`, over HTTP from another process: 1,000 entries a request, 8 connections. */
import { report } from './figure.ts';
import { load } from './load.ts';
import { withVitrine } from './server-process.ts';

const command = 'npm run bench add-batch';
const shape = { connections: 8, batch: 1000, entryBytes: 300, seconds: 10, warmUpSeconds: 3 };

const result = await withVitrine((url) => load({ url: `${url}/logs/bench`, ...shape }));
process.stderr.write(`${JSON.stringify(result)}\n`);
const how = `${shape.batch} a request, ${shape.connections} connections, ${shape.entryBytes} bytes each`;
report({ name: `durable entries in batches (${how})`, value: result.entriesPerSecond, unit: '/s', command });
report({ name: 'until a batch is answered, p99', value: result.answeredMs.p99, unit: 'ms', command });
report({
  name: 'until a batch is in a published checkpoint, p99',
  value: result.publishedMs.p99,
  unit: 'ms',
  command,
});
