// AWS Signature Version 4 for putting one object: what S3, R2 and those that speak like them want to see.
import { sha256Bytes } from '../evidence/sha256.ts'
import { hmac, hmacKey, toHex } from '../platform/crypto.ts'
import type { S3Sink } from '../settings/exports.ts'

const utf8 = new TextEncoder()

export async function signedPut(
  { url, region, accessKeyId, secretAccessKey }: S3Sink,
  name: string,
  body: string,
  now: number,
): Promise<{ readonly url: string; readonly init: RequestInit }> {
  const target = new URL(`${url}/${name}`)
  const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const day = time.slice(0, 8)
  const hash = hexOf(body)
  const signed = { host: target.host, 'x-amz-content-sha256': hash, 'x-amz-date': time }
  const names = Object.keys(signed).join(';')
  const lines = Object.entries(signed).map(([header, value]) => `${header}:${value}\n`)
  const request = ['PUT', target.pathname, '', lines.join(''), names, hash].join('\n')
  const scope = `${day}/${region}/s3/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hexOf(request)].join('\n')
  let key = new Uint8Array(utf8.encode(`AWS4${secretAccessKey}`))
  for (const part of [day, region, 's3', 'aws4_request']) key = await hmac(await hmacKey(key), part)
  const signature = toHex(await hmac(await hmacKey(key), toSign))
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  const { host: _, ...headers } = signed
  return {
    url: target.href,
    init: { method: 'PUT', headers: { ...headers, authorization, 'content-type': 'application/x-ndjson' }, body },
  }
}

function hexOf(text: string): string {
  return toHex(sha256Bytes(utf8.encode(text)))
}
