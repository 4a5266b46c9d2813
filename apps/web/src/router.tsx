/** Every page's address, what it fetches before it is shown, and the chunk it lives in. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import {
  centreQuery,
  centresQuery,
  commitmentQuery,
  commitmentsQuery,
  eventsQuery,
  forksQuery,
  entriesQuery,
  entryQuery,
  load,
  logQuery,
  policyQuery,
  productQuery,
  productsQuery,
  releaseQuery,
  searchQuery,
} from './api-client.ts';
import { formatAddressQuery, pageBoundsOf, parseAddressQuery, textsOf } from './address.ts';
import { PageLayout } from './components/page-layout.tsx';
import { PendingPage } from './components/pending-page.tsx';
import { FrontPage } from './pages/front/front-page.tsx';
import { FailedPage, NotFoundPage } from './pages/not-found/not-found-page.tsx';
import { searchTermsOf } from './pages/search/search-terms.ts';

const rootRoute = createRootRoute({
  validateSearch: textsOf,
  component: PageLayout,
});

const front = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  loaderDeps: ({ search: query }) => ({
    bounds: pageBoundsOf(query),
    promisesAfter: query['promises.after'],
  }),
  loader: ({ deps }) =>
    Promise.all([
      load(centreQuery),
      load(centresQuery),
      load(commitmentsQuery(deps.promisesAfter)),
      load(eventsQuery),
      load(productsQuery(deps.bounds)),
    ]),
  component: FrontPage,
});

const promise = createRoute({
  getParentRoute: () => rootRoute,
  path: '/promises/$id',
  loader: ({ params }) => Promise.all([load(centreQuery), load(commitmentQuery(params.id))]),
  component: lazyRouteComponent(() => import('./pages/promise/promise-page.tsx'), 'PromisePage'),
});

const timeline = createRoute({
  getParentRoute: () => rootRoute,
  path: '/timeline',
  loaderDeps: ({ search: query }) => ({ after: query['after'] }),
  loader: ({ deps }) =>
    Promise.all([load(centreQuery), load(commitmentsQuery(deps.after)), load(eventsQuery)]),
  component: lazyRouteComponent(() => import('./pages/timeline/timeline-page.tsx'), 'TimelinePage'),
});

const print = createRoute({
  getParentRoute: () => rootRoute,
  path: '/print',
  loaderDeps: ({ search: query }) => ({ after: query['after'] }),
  loader: ({ deps }) => Promise.all([load(centreQuery), load(commitmentsQuery(deps.after))]),
  component: lazyRouteComponent(() => import('./pages/print/print-page.tsx'), 'PrintPage'),
});

const centres = createRoute({
  getParentRoute: () => rootRoute,
  path: '/centres',
  loader: () => load(centresQuery),
  component: lazyRouteComponent(() => import('./pages/centres/centres-page.tsx'), 'CentresPage'),
});

const forks = createRoute({
  getParentRoute: () => rootRoute,
  path: '/forks',
  loader: () => Promise.all([load(forksQuery), load(policyQuery)]),
  component: lazyRouteComponent(() => import('./pages/forks/forks-page.tsx'), 'ForksPage'),
});

const search = createRoute({
  getParentRoute: () => rootRoute,
  path: '/search',
  loaderDeps: ({ search: query }) => searchTermsOf(query),
  loader: ({ deps }) => load(searchQuery(deps)),
  component: lazyRouteComponent(() => import('./pages/search/search-page.tsx'), 'SearchPage'),
});

const product = createRoute({
  getParentRoute: () => rootRoute,
  path: '/products/$product',
  loaderDeps: ({ search: query }) => pageBoundsOf(query),
  loader: ({ params, deps }) => load(productQuery(params.product, deps)),
  component: lazyRouteComponent(() => import('./pages/product/product-page.tsx'), 'ProductPage'),
});

const release = createRoute({
  getParentRoute: () => rootRoute,
  path: '/products/$product/$version',
  loader: ({ params }) =>
    Promise.all([load(centreQuery), load(releaseQuery(params.product, params.version))]),
  component: lazyRouteComponent(() => import('./pages/release/release-page.tsx'), 'ReleasePage'),
});

const verify = createRoute({
  getParentRoute: () => rootRoute,
  path: '/verify',
  component: lazyRouteComponent(() => import('./pages/verify/verify-page.tsx'), 'VerifyPage'),
});

const verifyDigest = createRoute({
  getParentRoute: () => rootRoute,
  path: '/verify/$sha256',
  component: lazyRouteComponent(() => import('./pages/verify/verify-digest-page.tsx'), 'VerifyDigestPage'),
});

const logs = createRoute({
  getParentRoute: () => rootRoute,
  path: '/logs',
  loader: () => load(centreQuery),
  component: lazyRouteComponent(() => import('./pages/logs/logs-page.tsx'), 'LogsPage'),
});

const log = createRoute({
  getParentRoute: () => rootRoute,
  path: '/logs/$log',
  loaderDeps: ({ search: query }) => pageBoundsOf(query),
  loader: ({ params, deps }) =>
    Promise.all([load(logQuery(params.log)), load(entriesQuery(params.log, deps))]),
  component: lazyRouteComponent(() => import('./pages/logs/log-page.tsx'), 'LogPage'),
});

const entry = createRoute({
  getParentRoute: () => rootRoute,
  path: '/logs/$log/$index',
  loaderDeps: ({ search: query }) => ({ size: query['size'] }),
  loader: ({ params, deps }) =>
    Promise.all([load(logQuery(params.log)), load(entryQuery(params.log, params.index, deps.size))]),
  component: lazyRouteComponent(() => import('./pages/entry/entry-page.tsx'), 'EntryPage'),
});

const how = createRoute({
  getParentRoute: () => rootRoute,
  path: '/how',
  component: lazyRouteComponent(() => import('./pages/how/how-page.tsx'), 'HowPage'),
});

const watch = createRoute({
  getParentRoute: () => rootRoute,
  path: '/watch',
  component: lazyRouteComponent(() => import('./pages/watch/watch-page.tsx'), 'WatchPage'),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    front,
    promise,
    timeline,
    print,
    centres,
    forks,
    search,
    product,
    release,
    verify,
    verifyDigest,
    logs,
    log,
    entry,
    how,
    watch,
  ]),
  parseSearch: parseAddressQuery,
  stringifySearch: formatAddressQuery,
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 0,
  defaultPendingMs: 500,
  defaultPendingComponent: PendingPage,
  defaultNotFoundComponent: NotFoundPage,
  defaultErrorComponent: FailedPage,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
