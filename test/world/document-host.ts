// A host that publishes what clients say about themselves, in place of vscode.dev, claude.ai and chatgpt.com, with keys to sign with.
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { DocumentClient } from './client-documents.ts'
import { close, listen } from './listening.ts'

export interface DocumentHost {
  /** The address the document of a client is at, and so its client id; the rest of it is as its owner publishes it. */
  readonly publish: (client: Pick<DocumentClient, 'id' | 'document'>) => string
  /** The address of the keys of everybody. */
  readonly keysAt: string
  /** A new assertion of this client for the broker (RFC 7523). */
  readonly sign: (clientId: string, audience: string) => Promise<string>
  /** How often anybody was asked for anything. */
  readonly asked: () => number
  close(): Promise<void>
}

export async function startDocumentHost(): Promise<DocumentHost> {
  const documents = new Map<string, object>()
  let asked = 0
  const server = createServer((req, res) => {
    asked += 1
    const document = documents.get(req.url ?? '')
    res.writeHead(document ? 200 : 404, { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' })
    res.end(document && JSON.stringify(document))
  })
  const origin = `http://127.0.0.1:${await listen(server, 0)}`
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  const keysAt = `${origin}/oauth/jwks.json`
  documents.set('/oauth/jwks.json', { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', use: 'sig', alg: 'RS256' }] })
  return {
    keysAt,
    publish: ({ id, document }) => {
      const { host, pathname } = new URL(id)
      const path = `/${host}${pathname}`
      const ours = 'jwks_uri' in document ? { jwks_uri: keysAt } : {}
      documents.set(path, { client_id: origin + path, ...document, ...ours })
      return origin + path
    },
    sign: (clientId, audience) =>
      new SignJWT({ iss: clientId, sub: clientId, aud: audience, jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: 'k1' })
        .setIssuedAt()
        .setExpirationTime('5 minutes')
        .sign(privateKey),
    asked: () => asked,
    close: async () => await close(server),
  }
}
