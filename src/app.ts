// The floor plan: every path, its guards and its handler on one page, and the only place where errors become answers.
import { RegExpRouter } from 'hono/router/reg-exp-router'
import { Context, type ErrorHandler } from 'hono'
import { Hono } from 'hono/tiny'
import { pageAsset, type AssetStore } from './pages/assets.ts'
import { settingsErrorPage } from './pages/error.tsx'
import { pageHeaders } from './pages/headers.ts'
import { homePage } from './pages/home.tsx'
import { looksLikeMachineToken } from './oauth/tokens/machine-tokens.ts'
import { defaultScopes } from './oauth/resource.ts'
import { HeldBytes } from './platform/held-bytes.ts'
import { randomId } from './platform/crypto.ts'
import { describeError, log } from './platform/telemetry.ts'
import { accountRoutes } from './routes/account.ts'
import { adminApiRoutes } from './routes/admin/api.ts'
import { confirmRoutes } from './routes/admin/confirm.ts'
import { exportPages } from './routes/admin/exports.ts'
import { liveFeedRoutes } from './routes/admin/live-feed.ts'
import { machinePages } from './routes/admin/machine-pages.ts'
import { portalRoutes } from './routes/admin/portal.ts'
import { recordingPages } from './routes/admin/recording-pages.ts'
import { sealingKeyPages } from './routes/admin/sealing-key-pages.ts'
import { signalPages } from './routes/admin/signal-pages.ts'
import { answerError, notFound, wantsPage } from './routes/answers.ts'
import { authorizeRoutes } from './routes/authorize.ts'
import { backchannelLogoutRoutes } from './routes/backchannel-logout.ts'
import { callbackRoutes } from './routes/callback.ts'
import { globalTokenRevocationRoutes, REVOCATION_PATH } from './routes/global-token-revocation.ts'
import { crossOrigin, guard, hostIsOurs, onlyMethods, originIsAllowed, refusalContext, type Variables } from './routes/guards.ts'
import { healthRoutes } from './routes/health.ts'
import { linkRoutes } from './routes/link.ts'
import { mcpHandler, type McpServices } from './routes/mcp.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { metadataRoutes } from './routes/metadata.ts'
import { registerRoutes } from './routes/register.ts'
import { scimRoutes } from './routes/scim.ts'
import { SECURITY_EVENTS_PATH, securityEventRoutes } from './routes/security-events.ts'
import { shownServers } from './routes/servers.ts'
import { sseRoutes } from './routes/sse.ts'
import { stsRoutes } from './routes/sts.ts'
import { tokenRoutes } from './routes/token.ts'
import type { Services } from './services.ts'
import { SettingsError } from './settings/settings.ts'
import { downstreamFor } from './settings/downstreams.ts'

export function app(services: Services): Hono<{ Variables: Variables }> {
  const { settings, signedTokens, machines, session } = services
  const floor = new Hono<{ Variables: Variables }>()
  // One expression for every path; the routers Hono would choose from otherwise weigh more than they help.
  floor.router = new RegExpRouter()
  const failed: ErrorHandler = (error, c) =>
    error instanceof SettingsError ? misconfigured(c.req.raw, error, services.assets) : answerError(error, c)
  floor.onError(failed)
  floor.notFound(notFound)

  // MCP: a verified token first, then one call to the person's object.
  const carrying: McpServices = {
    failed: (error, request, { requestId, docs }) => {
      const c = new Context<{ Variables: Variables }>(request)
      c.set('requestId', requestId)
      c.set('docs', docs)
      return failed(error instanceof Error ? error : new Error(describeError(error)), c)
    },
    held: new HeldBytes(),
    settings,
    now: services.now,
    verifyAccessToken: (token, resource) => {
      if (!looksLikeMachineToken(token)) return signedTokens.verifyAccessToken(token, resource)
      const server = downstreamFor(settings, resource)
      return machines.verify(token, resource, server && defaultScopes(server))
    },
    session,
    // After a deployment somebody has to tell everybody whose streams are open.
    begun: async () => await services.directory().wake(),
  }
  const mcp = mcpHandler(carrying)
  const { fetch: atOtherPaths } = floor
  floor.fetch = (request, env, executionCtx) =>
    mcp(request, (work) => executionCtx?.waitUntil(work)) ?? atOtherPaths(request, env, executionCtx)

  // Everywhere else: an id that finds the log line, and only the host people were told to use.
  floor.use(refusalContext(settings))
  // A load balancer asks by an address, not by the name people use. Whoever was told no name has to hear that first.
  if (!settings.baseUrlIsAssumed) floor.route('/', healthRoutes(services))
  floor.use(guard(hostIsOurs(settings)))

  // Anyone may read these, from any page.
  floor.use('/.well-known/*', crossOrigin(DOCUMENT), guard(onlyMethods(DOCUMENT)))
  floor.route('/', metadataRoutes(services))
  if (settings.baseUrlIsAssumed) floor.route('/', healthRoutes(services))

  // Clients and their programs; no cookie is ever read here.
  for (const path of ['/register', '/token', '/revoke', '/introspect', '/.sts', '/.sts/']) {
    floor.use(path, crossOrigin(['POST', 'OPTIONS']), guard(onlyMethods(['POST', 'OPTIONS']), originIsAllowed(settings)))
  }
  floor.route('/', registerRoutes(services))
  floor.route('/', tokenRoutes(services))
  floor.route('/', stsRoutes(services))

  // The identity provider itself, which proves by a signed token that it is.
  floor.use('/backchannel-logout', guard(onlyMethods(['POST'])))
  floor.route('/', backchannelLogoutRoutes(services))
  floor.use(`${REVOCATION_PATH}/*`, guard(onlyMethods(['POST'])))
  floor.route('/', globalTokenRevocationRoutes(services))
  floor.use(`${SECURITY_EVENTS_PATH}/*`, guard(onlyMethods(['POST'])))
  floor.route('/', securityEventRoutes(services))

  // A company's directory, with a credential of its own.
  floor.route('/', scimRoutes(services))

  // Whoever watches the deployment, with a credential of its own.
  floor.route('/', metricsRoutes(services))

  // People and their browsers; no cross-origin use, and no framing.
  floor.use('/authorize', guard(onlyMethods(['GET', 'HEAD', 'POST'])))
  floor.route('/', authorizeRoutes(services))
  floor.use('/callback/*', guard(onlyMethods(['GET'])))
  floor.route('/', callbackRoutes(services))
  floor.get('/assets/*', async (c) => (await pageAsset(services.assets, c.req.raw)) ?? notFound(c))
  floor.use('/link/*', guard(onlyMethods(['GET'])))
  floor.route('/', linkRoutes(services))
  floor.get('/', (c) => c.body(home(services), 200, pageHeaders('front')))

  // Administrators' programs and pages; no cross-origin use, whatever the credential.
  floor.route('/admin/api', adminApiRoutes(services))

  // People about themselves, and administrators about everybody: signed in, every form with the token of the session.
  floor.route('/', accountRoutes(services))
  floor.route('/', portalRoutes(services))
  floor.route('/', confirmRoutes(services))
  floor.route('/', machinePages(services))
  floor.route('/', signalPages(services))
  floor.route('/', exportPages(services))
  floor.route('/', recordingPages(services))
  floor.route('/', sealingKeyPages(services))
  floor.route('/', liveFeedRoutes(services))

  // HTTP+SSE, the transport of MCP 2024-11-05: the same checks, on the two addresses it has.
  floor.route('/', sseRoutes(carrying))
  return floor
}

/** RFC 9110 section 9.1: whoever answers GET answers HEAD. */
const DOCUMENT: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

const ACCOUNT = { label: 'Your account', href: '/account' } as const

function home({ settings, providers }: Services): string {
  const { host } = new URL(settings.baseUrl)
  return homePage({ name: host, signInWith: providers.names, servers: shownServers(settings), links: [ACCOUNT] })
}

/** What everybody gets while the settings are wrong; the variables are named, their values never. */
export async function misconfigured(request: Request, { problems }: SettingsError, assets: AssetStore): Promise<Response> {
  const asset = await pageAsset(assets, request)
  if (asset) return asset
  const id = randomId(12)
  for (const { variable, problem, cure } of problems)
    log('error', 'settings.refused', { variable, problem, cure, request_id: id })
  if (wantsPage(request))
    return new Response(settingsErrorPage({ problems, requestId: id }), { status: 503, headers: pageHeaders() })
  const summary = problems.map(({ variable, problem }) => `${variable} ${problem}`).join('; ')
  const body = { ok: false, error: 'misconfigured', error_description: summary, request_id: id }
  return Response.json(body, { status: 503, headers: { 'Cache-Control': 'no-store', 'Retry-After': '60', 'X-Request-Id': id } })
}
