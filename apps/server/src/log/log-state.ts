/** What a log that is written here does just now. */

/**
 * - `open`: appends and reads
 * - `disk-full`: refuses appends, and tries again by itself. When it was so from the start, only what is published can
 *   be read until then; what is durable beyond comes with the next commit told to `onCommitted`
 * - `awaiting-witnesses`: has signed nothing yet in this process; asks its witnesses again by itself
 * - `failed`: a write had an unknown outcome; refuses appends until the tail has been read again
 * - `closed`
 */
export type LogState = 'open' | 'disk-full' | 'awaiting-witnesses' | 'failed' | 'closed';
