// The identity providers the set-up knows: what each wants to be told, and which settings come of it. One for each page of docs/identity-providers.

export interface KnownProvider {
  /** The answer to --provider, and but for `oidc` the page of docs/identity-providers. */
  readonly id: string
  readonly title: string
  readonly issuer: {
    readonly variable: string
    /** Where it is one and the same for everybody, it is not asked. */
    readonly always?: string
    readonly text?: string
    /** What is written, as the setting wants it. */
    readonly read?: (answer: string) => string
  }
  readonly clientId: { readonly variable: string; readonly text: string }
  /** Absent: it has none. */
  readonly secret?: string
  readonly restrict?: { readonly text: string; readonly isNeeded: (issuer: string) => boolean }
  readonly besides?: Readonly<Record<string, string>>
  /** What to enter where; `url` is the broker's. */
  readonly register: (url: string) => readonly string[]
}

const ISSUER = { variable: 'OAUTH_AUTHORIZE_URL' }
const CLIENT_ID = { variable: 'OAUTH_CLIENT_ID', text: 'Client ID it shows' }
const OAUTH = { clientId: CLIENT_ID, secret: 'OAUTH_CLIENT_SECRET' }
const noNeed = (): boolean => false

export const PROVIDERS: readonly KnownProvider[] = [
  {
    id: 'google',
    title: 'Google',
    issuer: { ...ISSUER, always: 'https://accounts.google.com' },
    ...OAUTH,
    restrict: { text: 'Workspace domains whose people may sign in; - lets in everybody with a Google account', isNeeded: noNeed },
    register: (url) => [
      'Google Cloud console → APIs & Services → Credentials → Create OAuth client ID → Web application',
      `Authorized redirect URI: ${url}/callback`,
    ],
  },
  {
    id: 'entra',
    title: 'Microsoft Entra ID',
    issuer: {
      ...ISSUER,
      text: 'Tenant ID',
      read: (answer) => (answer.includes('/') ? answer : `https://login.microsoftonline.com/${answer}/v2.0`),
    },
    ...OAUTH,
    restrict: {
      text: 'Tenant IDs whose people may sign in; - for none besides',
      isNeeded: (issuer) => /\/(common|organizations)\//.test(issuer),
    },
    register: (url) => [
      'Microsoft Entra admin center → App registrations → New registration, platform Web',
      `Redirect URI: ${url}/callback`,
      'Certificates & secrets → New client secret: its value, not its ID',
    ],
  },
  {
    id: 'okta',
    title: 'Okta',
    issuer: { ...ISSUER, text: 'Issuer, such as https://ORG.okta.com' },
    ...OAUTH,
    register: (url) => [
      'Applications → Create App Integration → OIDC → Web Application',
      'Grant types: Authorization Code and Refresh Token',
      `Sign-in redirect URI: ${url}/callback`,
    ],
  },
  {
    id: 'auth0',
    title: 'Auth0',
    issuer: { ...ISSUER, text: 'Issuer, such as https://TENANT.eu.auth0.com' },
    ...OAUTH,
    register: (url) => [
      'Applications → Create Application → Regular Web Application, with the grant Refresh Token',
      `Allowed Callback URL: ${url}/callback`,
    ],
  },
  {
    id: 'keycloak',
    title: 'Keycloak',
    issuer: { ...ISSUER, text: 'Issuer, such as https://keycloak.example.com/realms/REALM' },
    ...OAUTH,
    register: (url) => [
      'In the realm: Create client → OpenID Connect, Client authentication on, Standard flow on',
      `Valid redirect URI: ${url}/callback`,
      `Back-channel logout URL: ${url}/backchannel-logout`,
    ],
  },
  {
    id: 'github',
    title: 'GitHub',
    issuer: { ...ISSUER, always: 'https://github.com/login/oauth' },
    ...OAUTH,
    restrict: { text: 'Organisations whose members may sign in; - lets in everybody with a GitHub account', isNeeded: noNeed },
    register: (url) => [
      'Settings → Developer settings → OAuth Apps → New OAuth app',
      `Authorization callback URL: ${url}/callback`,
    ],
  },
  {
    id: 'cloudflare-access',
    title: 'Cloudflare Access',
    issuer: { variable: 'CF_ACCESS_TEAM_DOMAIN', text: 'Team name, the first part of TEAM.cloudflareaccess.com' },
    clientId: { variable: 'CF_ACCESS_CLIENT_ID', text: 'Client ID it shows' },
    secret: 'CF_ACCESS_CLIENT_SECRET',
    register: (url) => [
      'Zero Trust → Access → Applications → Add an application → SaaS → OIDC',
      'Scopes: openid, email, profile, groups; refresh tokens on',
      `Redirect URL: ${url}/callback`,
    ],
  },
  {
    id: 'access-in-front',
    title: 'Cloudflare Access in front of the sign-in',
    issuer: { variable: 'ACCESS_TEAM_DOMAIN', text: 'Team name, the first part of TEAM.cloudflareaccess.com' },
    clientId: { variable: 'ACCESS_AUD', text: 'AUD tag of the application' },
    besides: { IDENTITY_PROVIDER: 'access' },
    register: (url) => [
      'Zero Trust → Access → Applications → Add an application → Self-hosted',
      `Its only path: ${url}/callback/access`,
    ],
  },
  {
    id: 'plain-oauth',
    title: 'OAuth without OpenID Connect',
    issuer: { ...ISSUER, text: 'The address its endpoints /authorize, /token and /userinfo are below' },
    ...OAUTH,
    besides: { SCOPES_SUPPORTED: 'profile email' },
    register: (url) => [`A confidential client with the redirect URI ${url}/callback`],
  },
  {
    id: 'oidc',
    title: 'Any other OpenID Connect provider',
    issuer: { ...ISSUER, text: 'Issuer, exactly as its metadata names it' },
    ...OAUTH,
    register: (url) => [
      'A confidential web application, grants authorization code and refresh token',
      `Redirect URI: ${url}/callback`,
      `Back-channel logout URL, where there is one: ${url}/backchannel-logout`,
    ],
  },
]

/** Every setting that one of them needs: when another is chosen, those of the one before go. */
export const OF_PROVIDERS: readonly string[] = [
  ...new Set(
    PROVIDERS.flatMap(({ issuer, clientId, secret = [], besides = {} }) =>
      [issuer.variable, clientId.variable, secret, Object.keys(besides), 'OAUTH_RESTRICT_TO'].flat(),
    ),
  ),
]

/** Which of them these settings name. */
export function providerOf(vars: Readonly<Record<string, string>>): KnownProvider | undefined {
  const issuer = vars['OAUTH_AUTHORIZE_URL']
  const byIssuer = (id: string): boolean =>
    issuer !== undefined &&
    ((id === 'entra' && issuer.includes('//login.microsoftonline.com/')) ||
      (id === 'okta' && /\/\/[^/]+\.okta\.com\b/.test(issuer)) ||
      (id === 'auth0' && /\/\/[^/]+\.auth0\.com\b/.test(issuer)) ||
      (id === 'keycloak' && issuer.includes('/realms/')))
  return (
    PROVIDERS.find(({ issuer: { always } }) => always !== undefined && always === issuer) ??
    PROVIDERS.find(({ id }) => byIssuer(id)) ??
    PROVIDERS.find(({ issuer: { variable }, besides = {} }) => {
      const isMeant = ([name, value]: [string, string]): boolean =>
        vars[name] === value || (name === 'SCOPES_SUPPORTED' && !/(^|[\s,])openid([\s,]|$)/.test(vars[name] ?? 'openid'))
      const isSet = vars[variable] !== undefined && Object.entries(besides).every(isMeant)
      return isSet && (variable !== 'OAUTH_AUTHORIZE_URL' || Object.keys(besides).length > 0)
    }) ??
    (issuer === undefined ? undefined : PROVIDERS.find(({ id }) => id === 'oidc'))
  )
}
