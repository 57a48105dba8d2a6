// The outside of the objects under test: an identity provider at https://idp.example whose answer depends on the refresh token it is shown.
const ISSUER = 'https://idp.example'

/** Runs in Node, in place of the network. A refresh token named `ended` has ended, `down` meets an outage, any other is renewed. */
export async function outside(request: { readonly url: string; text(): Promise<string> }): Promise<Response> {
  const { origin, pathname } = new URL(request.url)
  if (origin !== ISSUER) return new Response(null, { status: 502 })
  if (pathname === '/.well-known/openid-configuration') {
    const metadata = { issuer: ISSUER, authorization_endpoint: `${ISSUER}/authorize`, token_endpoint: `${ISSUER}/token` }
    return Response.json(metadata)
  }
  if (pathname !== '/token') return new Response(null, { status: 404 })
  const token = new URLSearchParams(await request.text()).get('refresh_token')
  if (token === 'down') return Response.json({ error: 'temporarily_unavailable' }, { status: 503 })
  if (token === 'ended') return Response.json({ error: 'invalid_grant' }, { status: 400 })
  return Response.json({ access_token: `renewed by ${token}`, token_type: 'Bearer', expires_in: 600, refresh_token: token })
}
