export * from './centres.ts';
export * from './client.ts';
export * from './commitments.ts';
export * from './packs.ts';
export * from './events.ts';
export * from './problem-codes.ts';
export * from './routes.ts';
export * from './schemas.ts';
