// Signature Version 4 as a store computes it from what came, by the words of the AWS documentation.
import { createHash, createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export interface Came {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const sha = (text: string): string => createHash('sha256').update(text).digest('hex')
const mac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** What has to stand in `Authorization`; undefined where the body is another than its header says. */
export function s3Signature(
  { method, path, headers, body }: Came,
  id: string,
  secret: string,
  region = 'auto',
): string | undefined {
  const time = String(headers['x-amz-date'])
  if (headers['x-amz-content-sha256'] !== sha(body)) return undefined
  const names = ['host', 'x-amz-content-sha256', 'x-amz-date']
  const lines = names.map((name) => `${name}:${String(headers[name])}`)
  const request = [method, path, '', ...lines, '', names.join(';'), sha(body)].join('\n')
  const day = time.slice(0, 8)
  const scope = `${day}/${region}/s3/aws4_request`
  const key = [region, 's3', 'aws4_request'].reduce<Buffer>((so, part) => mac(so, part), mac(`AWS4${secret}`, day))
  const signature = mac(key, `AWS4-HMAC-SHA256\n${time}\n${scope}\n${sha(request)}`).toString('hex')
  return `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
}
