// Which headers of a client may pass to a server: any but those that could say who somebody is, that carry the message, or that are the broker's.
import * as z from 'zod'

/** Letters, digits and hyphens: servers that read `_` as `-` would take another name for one of those below. */
const NAME = /^[a-z\d]+(?:-[a-z\d]+)*$/

const RESERVED: readonly RegExp[] = [
  // Whoever is believed to be calling, as proxies and platforms say it.
  /^(?:authorization|cookie2?|forwarded|from|via|true-client-ip|fastly-client-ip|client-ip|remote-.+|x-(?:user|forwarded|auth(?!-token$)|authenticated|remote|webauth|real|client|cluster|envoy|original|goog|appengine|amzn|amz|ms|azure|pomerium|vouch|identity|ssl|tls|proxyuser|email|groups?|roles?|sub|tenant)(?:-.+)?|(?:cf|proxy|oidc|ssl|tailscale|teleport)-.+)$/,
  // The same under the names that programs give it: somebody's name, group, address or certificate as a word of any header, and signed statements.
  /(?:^|-)(?:[a-z\d]*users?(?:name|id|info|e?mail|groups?|roles?|dn|principalname)?(?!-agent$)|uid|upn|login|logname|e?mail|principal|identity|subject|sub|person|members?|groups?|roles?|tenant(?:id)?|orgid|actor|sudo|impersonat\w*|on-behalf-of|acting-as|delegat\w*|consumer|cred(?:s|entials?)?|claims?|assertion|jwt|oidc|openid|saml|shib|sso|authentik|authelia|authenticated|certs?|clientcert|certificate)(?:-|$)/,
  /(?:^|-)(?:(?:access|bearer|id|identity|refresh)-?token|(?:client|connecting|origin|original|peer|real|remote|source|src|visitor)-?ip)(?:-|$)/,
  /^(?:(?:x-)?(?:fly|iap|iv|ngrok|sm|spiffe|vercel)|x-(?:anonymous|arr|istio|kong|nf|zumo))-/,
  // How the message is carried (RFC 9110, RFC 9112), and what it is.
  /^(?:host|origin|referer|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|max-forwards|range|accept|accept-encoding|date|http2-settings|priority|alt-used|(?:content|if|sec|access-control)-.+|x-http-method.*|x-method-override|x-rewrite-url)$/,
  // MCP's, and the broker's own between its parts.
  /^(?:last-event-id|mcp-.+|x-(?:broker|agents|partykit)-.+)$/,
]

const name = z
  .string()
  .transform((text) => text.toLowerCase())
  .refine((text) => NAME.test(text), 'holds what is not the name of a header of letters, digits and hyphens')
  .refine((text) => !RESERVED.some((reserved) => reserved.test(text)), {
    error: ({ input }) =>
      `names ${String(input).slice(0, 60)}, which never passes: it could pose as somebody, or it carries the message`,
  })

export const passHeaders = z.array(name).max(32, 'names more than 32 headers')
