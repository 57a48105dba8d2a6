// What is entered at Okta, Microsoft Entra, Keycloak and authentik so that they say when access is over: pure, with the addresses of this broker.
import type { Setup } from '../setups.ts'

export interface SetupTerms {
  readonly doors: readonly { readonly door: string; readonly address: string }[]
  readonly provider: string
  readonly transmitter?: string | undefined
}

export function signalSetups({ doors, provider, transmitter }: SetupTerms): readonly Setup[] {
  const at = (door: string): string => doors.find((one) => one.door === door)?.address ?? ''
  const issuer = transmitter ?? 'https://example.okta.com'
  const realm = transmitter ?? 'https://sso.example.com/realms/acme'
  const logout: Omit<Setup, 'client' | 'where'> = { kind: 'url', text: at('backchannel-logout') }
  return [
    {
      client: 'Okta: Universal Logout',
      kind: 'url',
      where:
        'Application → General → Logout: this address, with Signed JWT and the issuer and subject identifier. Here: revocation_issuer.',
      text: at('global-token-revocation'),
    },
    {
      client: 'Okta: Shared Signals',
      kind: 'json',
      where: 'Application → Okta API Scopes: grant ssf.manage and ssf.read. Here set this, then press Set up.',
      text: JSON.stringify({ transmitter: issuer }),
    },
    {
      client: 'Microsoft Entra: SCIM',
      kind: 'url',
      where:
        'Enterprise application → Provisioning: this Tenant URL, and as Secret Token a machine credential with the scope scim.',
      text: at('scim'),
    },
    {
      ...logout,
      client: 'Keycloak: back-channel logout',
      where: 'Client → Settings → Logout: Backchannel logout URL, with the session required.',
    },
    {
      client: 'Keycloak: Shared Signals',
      kind: 'json',
      where: 'Start it with --features=ssf, and switch Service account roles of the client on. Here set this, then press Set up.',
      text: JSON.stringify({ transmitter: realm }),
    },
    {
      ...logout,
      client: 'authentik: back-channel logout',
      where: 'Provider → Protocol settings → Logout: this URI with the method Back-channel.',
    },
    {
      client: 'The same from a terminal',
      kind: 'command',
      where: 'With BROKER_URL and ADMIN_TOKEN.',
      text: `npm run admin -- signals setup ${provider} --reason "first set-up"`,
    },
  ]
}
