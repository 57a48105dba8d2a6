// The headers of every page a person sees: nothing runs that is not ours, nothing frames it, nothing is kept.

// No form-action: Chrome applies it to the whole redirect chain after a form is sent, and that chain ends at whatever
// address the MCP client has, `cursor://` included. It would stop the very redirect the page exists for.
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * `sign-in`: a step between an MCP client and the identity provider. `own`: a page people come to by themselves. `front`: the first of them,
 * where a script of ours copies what would be selected and copied by hand. `portal`: those for administrators, where another one keeps live
 * what without it is live by reloading.
 */
export type Place = 'sign-in' | 'own' | 'front' | 'portal'

const COPYING = `${CONTENT_SECURITY_POLICY}; script-src 'self'`
const SCRIPTED = `${CONTENT_SECURITY_POLICY}; script-src 'self'; connect-src 'self'`

// A browser-based client opens the sign-in in a popup and waits for a message from it. `same-origin` anywhere on the way
// cuts the popup from its opener for good, and the client waits for ever; so only our own pages have it.
const OPENER_POLICY: Readonly<Record<Place, string>> = {
  'sign-in': 'unsafe-none',
  own: 'same-origin',
  front: 'same-origin',
  portal: 'same-origin',
}

export function pageHeaders(place: Place = 'sign-in'): Record<string, string> {
  return {
    'Content-Type': 'text/html; charset=UTF-8',
    'Content-Security-Policy': place === 'portal' ? SCRIPTED : place === 'front' ? COPYING : CONTENT_SECURITY_POLICY,
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    // Not `no-referrer`: with that browsers send `Origin: null` with our own forms, and we could not tell them from a stranger's.
    'Referrer-Policy': 'same-origin',
    'Cache-Control': 'no-store',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'Cross-Origin-Opener-Policy': OPENER_POLICY[place],
    'Cross-Origin-Resource-Policy': 'same-origin',
    'X-Robots-Tag': 'noindex',
  }
}
