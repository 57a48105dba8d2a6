// Pages as people meet them, and the same pages with a stranger's worst ideas in every field.
import { type Consent, consentPage } from '../../../src/pages/consent.tsx'
import { continuePage } from '../../../src/pages/continue.tsx'
import { stoppedPage } from '../../../src/pages/stopped.tsx'
import { errorPage, settingsErrorPage } from '../../../src/pages/error.tsx'
import { homePage } from '../../../src/pages/home.tsx'
import { signInPage } from '../../../src/pages/sign-in.tsx'
import { setupsFor } from '../../../src/pages/setups.ts'

export const claude: Consent = {
  ticket: 'eyJhbGciOiJkaXIifQ.ticket',
  client: {
    name: 'Claude',
    id: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
    host: 'claude.ai',
    verified: true,
    loopbackOnly: false,
  },
  redirect: { host: 'claude.ai', uri: 'https://claude.ai/api/mcp/auth_callback', kind: 'https' },
  resource: { url: 'https://mcp.example.com/mcp', name: 'Acme Documents' },
  scopes: [
    { name: 'mcp', meaning: 'Use the tools and resources of this server' },
    { name: 'offline_access', meaning: 'Stay connected while you are away' },
  ],
  identityProviders: [{ key: 'oauth', name: 'Acme Okta', host: 'acme.okta.example' }],
  learns: ['Your name', 'Your e-mail address', 'Your groups', 'A stable identifier'],
}

export const choosing: Consent = {
  ...claude,
  identityProviders: [
    { key: 'oauth', name: 'Acme Okta', host: 'acme.okta.example' },
    { key: 'github', name: 'GitHub', host: 'github.com' },
  ],
}

export const terminal: Consent = {
  ...claude,
  client: {
    name: 'Claude Code',
    id: 'https://claude.ai/oauth/claude-code-client-metadata',
    host: 'claude.ai',
    verified: true,
    loopbackOnly: true,
  },
  redirect: { host: 'localhost:3118', uri: 'http://localhost:3118/callback', kind: 'loopback' },
}

export const cursor: Consent = {
  ...claude,
  client: { name: 'Cursor', id: 'c_3f9d1b8e57aa4c11', host: 'cursor.com', verified: false, loopbackOnly: false },
  redirect: { host: 'anysphere.cursor-mcp', uri: 'cursor://anysphere.cursor-mcp/oauth/callback', kind: 'private-scheme' },
}

const LONG = 'Totally Trustworthy Assistant For Every Company In The World '.repeat(5)
const SHOUT = 'W'.repeat(300)

export const hostile: Consent = {
  ticket: '"><script>alert(1)</script>',
  client: {
    name: `<img src=x onerror=alert(1)> \u202Emoc.elgoog\u202C ${LONG}`,
    id: `javascript:alert(1)${SHOUT}`,
    host: 'accounts.google.com.sign-in.a-rather-long-name-for-a-host.evil.example',
    verified: false,
    loopbackOnly: false,
  },
  redirect: {
    host: 'accounts.google.com.sign-in.a-rather-long-name-for-a-host.evil.example:8443',
    uri: `https://accounts.google.com.evil.example:8443/cb?next=<script>alert(2)</script>&${SHOUT}`,
    kind: 'https',
  },
  resource: { url: `https://mcp.example.com/servers/${SHOUT}/mcp`, name: `${SHOUT}</bdi><b>bold` },
  scopes: [
    {
      name: `scope"'<>${SHOUT}`,
      meaning: 'Z\u0335\u0336\u0337\u0338\u0339\u033a\u033b\u033ca\u0335\u0336\u0337\u0338lgo, and then some',
    },
    { name: 'x', meaning: '\u200B\u200B' },
  ],
  identityProviders: [{ key: 'oauth', name: `</p><h1>${LONG}`, host: 'login.example' }],
  learns: [SHOUT, '<i>everything</i>'],
}

const mcpUrl = 'https://mcp.example.com/mcp'

export const EXAMPLES: Readonly<Record<string, string>> = {
  'consent-claude': consentPage(claude),
  'consent-terminal': consentPage(terminal),
  'consent-cursor': consentPage(cursor),
  'consent-choosing': consentPage(choosing),
  'consent-hostile': consentPage(hostile),
  'sign-in': signInPage([
    { name: 'Acme Okta', host: 'acme.okta.example', href: '/account?sign_in_with=oauth' },
    { name: 'Google', host: 'accounts.google.com', href: '/account?sign_in_with=google' },
    { name: 'GitHub', host: 'github.com', href: '/account?sign_in_with=github' },
  ]),
  'sign-in-hostile': signInPage([
    { name: `</a><script>alert(1)</script>${LONG}`, host: `${SHOUT}.example`, href: '/"><script>' },
  ]),
  'error-state': errorPage({
    status: 400,
    code: 'invalid_state',
    title: 'Invalid or expired state',
    message: 'This sign-in was started more than ten minutes ago, in another browser, or was already finished.',
    hint: 'Go back to your application and connect again.',
    requestId: '8f2c1d4e-a3b0',
  }),
  'error-client': errorPage({
    status: 400,
    code: 'invalid_client',
    title: 'This application is not known here',
    message: 'It registered a long time ago and was never used, or an administrator removed it.',
    hint: 'Remove the server from your application and add it again. It registers itself anew.',
    requestId: '8f2c1d4e-a3b1',
  }),
  'error-provider': errorPage({
    status: 503,
    code: 'temporarily_unavailable',
    title: 'Acme Okta does not answer',
    message: 'Nobody can sign in while the identity provider is out of reach. Nothing was lost on our side.',
    requestId: '8f2c1d4e-a3b2',
    retry: { href: '/authorize?again=1', label: 'Try again' },
  }),
  'error-hostile': errorPage({
    status: 404,
    code: `<b>${SHOUT}`,
    title: `<script>alert(1)</script>${LONG}`,
    message: `\u202E${SHOUT}`,
    hint: `<img src=x onerror=alert(1)>${LONG}`,
    requestId: SHOUT,
    retry: { href: 'javascript:alert(1)', label: 'Try again' },
  }),
  settings: settingsErrorPage({
    problems: [
      {
        variable: 'ENCRYPTION_KEY',
        problem: 'It is 16 bytes long; 32 are needed.',
        cure: 'Make one with: openssl rand -hex 32',
      },
      {
        variable: 'BASE_URL',
        problem: 'It ends with a slash, and issuers are compared letter by letter.',
        cure: 'Write https://mcp.example.com instead of https://mcp.example.com/',
      },
    ],
    requestId: '8f2c1d4e-a3b3',
  }),
  home: homePage({
    name: 'mcp.example.com',
    signInWith: 'Acme Okta',
    servers: [{ url: mcpUrl, name: 'Acme Documents', setups: setupsFor(mcpUrl) }],
    links: [
      { label: 'Your account', href: '/account' },
      { label: 'Administration', href: '/admin' },
    ],
  }),
  'home-several': homePage({
    name: 'mcp.example.com',
    signInWith: 'Acme Okta',
    servers: ['mcp', 'servers/tickets/mcp', 'servers/wiki/mcp'].map((path) => {
      const url = `https://mcp.example.com/${path}`
      return { url, name: path === 'mcp' ? 'mcp.example.com' : 'Ticket system', setups: setupsFor(url) }
    }),
    links: [{ label: 'Your account', href: '/account' }],
  }),
  'home-hostile': homePage({
    name: 'mcp.example.com',
    signInWith: `</p>${SHOUT}`,
    servers: [
      {
        url: `https://mcp.example.com/servers/${'long-name-'.repeat(20)}/mcp`,
        name: `<script>alert(1)</script>${LONG}`,
        setups: setupsFor(`https://mcp.example.com/servers/${'long-name-'.repeat(20)}/mcp`),
      },
    ],
  }),
  continue: continuePage({
    client: 'Cursor',
    redirectUri: 'cursor://anysphere.cursor-mcp/oauth/callback?code=abc&state=xyz&iss=https%3A%2F%2Fmcp.example.com',
    outcome: 'allowed',
  }),
  'continue-refused': continuePage({
    client: `${SHOUT}<b>`,
    redirectUri: 'com.example.app:/oauth?error=access_denied',
    outcome: 'refused',
  }),
  stopped: stoppedPage({
    client: `${SHOUT}<b>`,
    redirect: { kind: 'https', host: 'evil.example', uri: `https://evil.example/"><img src=x onerror=alert(1)>?state=${LONG}` },
    refusal: { code: 'invalid_request', message: `code_challenge is required <script>${LONG}`, requestId: 'a-request' },
  }),
  'stopped-by-the-person': stoppedPage({
    client: 'Cursor',
    redirect: {
      kind: 'private-scheme',
      host: 'anysphere.cursor-mcp',
      uri: 'cursor://anysphere.cursor-mcp/oauth/callback?error=x',
    },
  }),
}
