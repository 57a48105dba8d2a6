// Headers of clients that an operator may let through to a server, and those that never pass.
import { describe, expect, test } from 'vitest'
import { readSettings } from '../../../src/settings/settings.ts'
import { GOOD } from './good.ts'

const ofOne = (names: string) =>
  readSettings({ ...GOOD, DOWNSTREAM_MCP_URL: 'https://tools.example.com/mcp', DOWNSTREAM_PASS_HEADERS: names }).downstreams[0]
const ofList = (names: readonly string[]) =>
  readSettings({
    ...GOOD,
    DOWNSTREAMS: JSON.stringify([{ name: 'tools', url: 'https://tools.example.com/mcp', pass_headers: names }]),
  }).downstreams[0]

test.for([
  'X-MCP-Toolsets',
  'X-MCP-Readonly',
  'X-Api-Key',
  'Accept-Language',
  'X-Auth-Token',
  'Private-Token',
  'X-Gitlab-Token',
  'X-Grafana-API-Key',
  'X-Grafana-Service-Account-Token',
  'X-Atlassian-Jira-Personal-Token',
  'X-Api-Token',
  'User-Agent',
  'X-Session-Id',
  'X-Account-Id',
])('%s may pass', (name) => {
  expect(ofOne(name)?.passHeaders).toEqual([name.toLowerCase()])
  expect(ofList([name])?.passHeaders).toEqual([name.toLowerCase()])
})

test('several are separated by commas or spaces; none is none', () => {
  expect(ofOne('X-Api-Key, X-MCP-Toolsets Accept-Language')?.passHeaders).toEqual([
    'x-api-key',
    'x-mcp-toolsets',
    'accept-language',
  ])
  expect(ofOne('')).not.toHaveProperty('passHeaders')
})

describe('never passes', () => {
  test.for([
    'Authorization',
    'Proxy-Authorization',
    'Cookie',
    'Host',
    'Origin',
    'Referer',
    'Forwarded',
    'Via',
    'From',
    'X-User-Email',
    'X-User',
    'X-Forwarded-For',
    'X-Forwarded-User',
    'X-Real-IP',
    'X-Client-IP',
    'True-Client-IP',
    'Cf-Access-Jwt-Assertion',
    'Cf-Connecting-IP',
    'X-Auth-Request-Email',
    'Remote-User',
    'X-Remote-User',
    'X-WebAuth-User',

    'X-Goog-Authenticated-User-Email',
    'X-Ms-Client-Principal',
    'X-Amzn-Oidc-Data',
    'X-Pomerium-Jwt-Assertion',
    'Tailscale-User-Login',

    'X-Username',
    'X-UserId',
    'X-Access-Token',
    'X-Id-Token',
    'Id-Token',
    'X-Jwt-Assertion',
    'X-Jwt',
    'X-Acme-User',
    'Acme-Username',
    'Iv-User',
    'Iv-Creds',
    'SM-UserDN',
    'X-Authentik-Uid',
    'Impersonate-Group',
    'X-Impersonated-By',
    'Sudo',
    'X-On-Behalf-Of',
    'X-Consumer-Custom-Id',
    'X-Credential-Identifier',
    'X-Hasura-Role',
    'X-Scope-OrgID',
    'Client-Cert',
    'X-Arr-ClientCert',
    'Fly-Client-IP',
    'X-Sucuri-ClientIP',
    'Do-Connecting-IP',
    'X-Vercel-Forwarded-For',
    'Ngrok-Auth-User-Email',
    'X-Iap-Claims',
    'X-Email',
    'X-Groups',
    'X-Original-Forwarded-For',
    'X-Envoy-External-Address',
    'X-Authenticated-User',
    'Connection',
    'Keep-Alive',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Expect',
    'Range',
    'Accept-Encoding',
    'Content-Type',
    'Content-Length',
    'Content-Encoding',
    'If-None-Match',
    'Sec-Fetch-Site',
    'Access-Control-Request-Method',

    'Mcp-Session-Id',
    'Mcp-Method',
    'Mcp-Param-Region',
    'Last-Event-ID',
    'X-Broker-Order',
    'X-Agents-Name',
    'X-HTTP-Method-Override',
  ])('%s', (name) => {
    const sentence = `names ${name.toLowerCase()}, which never passes: it could pose as somebody, or it carries the message`
    expect(() => ofOne(name)).toThrow(`DOWNSTREAM_PASS_HEADERS ${sentence}`)
    expect(() => ofList([name])).toThrow(`DOWNSTREAMS server “tools”, field pass_headers.0: ${sentence}`)
  })

  // Servers behind CGI, WSGI and some proxies read an underscore as a hyphen.
  test.for(['X_User_Email', 'Remote_User', 'X-Api-Key:', 'X-Ä', 'X--Key', '-X'])('%s, which is no plain name', (name) => {
    expect(() => ofOne(name)).toThrow(
      'DOWNSTREAM_PASS_HEADERS holds what is not the name of a header of letters, digits and hyphens',
    )
  })
})
