// Where the browser goes after the sign-in, said so that a person can tell a website from a program of their own.
import { Host } from './host.tsx'
import { shownHost, shownText } from './shown.ts'

export interface Redirect {
  /** Host and port as the redirect URI has them; for private schemes the scheme is what counts. */
  readonly host: string
  readonly uri: string
  readonly kind: 'https' | 'loopback' | 'private-scheme'
}

/** `cursor` for `cursor://anysphere.cursor-mcp/oauth/callback`. */
export function schemeOf(uri: string): string {
  return shownText(/^[a-z][a-z0-9+.-]*(?=:)/i.exec(uri)?.[0]?.toLowerCase() ?? uri)
}

function isWithin(host: string, site: string): boolean {
  const [name = '', owner = ''] = [host, site].map((each) => each.replace(/:\d+$/, '').toLowerCase())
  return name === owner || name.endsWith(`.${owner}`)
}

/** The phrase a sentence can use: “your browser returns to …”. */
export function destinationOf({ host, kind, uri }: Redirect): string {
  if (kind === 'loopback') return 'a program on this computer'
  if (kind === 'private-scheme') return `the app on this device that opens ${schemeOf(uri)}: links`
  return shownHost(host)
}

export function DestinationLine({
  redirect,
  clientHost,
}: {
  readonly redirect: Redirect
  readonly clientHost?: string | undefined
}) {
  const { host, kind, uri } = redirect
  if (kind === 'loopback') {
    return (
      <>
        <strong class="address">A program on this computer</strong>
        <span class="fine">
          at <code>{shownHost(host)}</code>
        </span>
      </>
    )
  }
  if (kind === 'private-scheme') {
    return (
      <>
        <strong class="address">An app on this device</strong>
        <span class="fine">
          the one that opens <code>{schemeOf(uri)}:</code> links
        </span>
      </>
    )
  }
  const elsewhere = clientHost !== undefined && !isWithin(host, clientHost)
  return (
    <>
      <strong class="address">
        <Host host={host} />
      </strong>
      {elsewhere && (
        <span class="fine">
          not the same site as <Host host={clientHost} />
        </span>
      )}
    </>
  )
}
