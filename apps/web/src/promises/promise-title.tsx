import { useQuery } from '@tanstack/react-query';
import { commitmentBodyQuery } from './commitment-body.ts';

/** The title that a promise's text gives it; its id until that is there, or when it cannot be shown. */
export function PromiseTitle({ id, digest }: { readonly id: string; readonly digest: string }) {
  const { data } = useQuery(commitmentBodyQuery(digest));
  return <>{data?.body?.title ?? id}</>;
}
