// The address an HTTP+SSE server names in its `endpoint` event: taken only where it stays on the server's own origin.

/**
 * Servers name it relative, absolute, or with a query of their own. On another origin the person's identity would be sent to a
 * host nobody configured.
 */
export function messageEndpoint(named: string, connection: string): URL | undefined {
  const { origin } = new URL(connection)
  const endpoint = named === '' ? null : URL.parse(named, connection)
  if (endpoint?.origin !== origin || endpoint.username !== '' || endpoint.password !== '') return undefined
  endpoint.hash = ''
  return endpoint
}
