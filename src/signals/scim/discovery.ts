// What a SCIM client may ask about the server itself (RFC 7644 section 4): features, kinds of resources, and their attributes.
import { GROUP_SCHEMA, listOf, USER_SCHEMA, type Document } from './message.ts'

/** Most resources of one page. */
export const MOST_RESULTS = 200

const RESOURCE_TYPE = 'urn:ietf:params:scim:schemas:core:2.0:ResourceType'
const SCHEMA = 'urn:ietf:params:scim:schemas:core:2.0:Schema'

export function serviceProviderConfig(base: string): Document {
  const no = { supported: false }
  return {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    patch: { supported: true },
    bulk: { ...no, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: MOST_RESULTS },
    changePassword: no,
    sort: no,
    etag: no,
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Bearer token',
        description: 'A machine credential of this broker with the scope scim (RFC 6750)',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${base}/ServiceProviderConfig` },
  }
}

export function resourceTypes(base: string): readonly Document[] {
  return [
    { id: 'User', name: 'User', endpoint: '/Users', schema: USER_SCHEMA },
    { id: 'Group', name: 'Group', endpoint: '/Groups', schema: GROUP_SCHEMA },
  ].map((type) => ({
    schemas: [RESOURCE_TYPE],
    ...type,
    meta: { resourceType: 'ResourceType', location: `${base}/ResourceTypes/${type.id}` },
  }))
}

export function schemas(base: string): readonly Document[] {
  const user = [
    described('userName', { required: true, uniqueness: 'server' }),
    described('externalId', { caseExact: true, uniqueness: 'server' }),
    described('active', { type: 'boolean' }),
    described('displayName', {}),
    complex('name', false, ['formatted', 'givenName', 'familyName']),
    complex('emails', true, ['value', 'type']),
    { ...complex('groups', true, ['value', 'display']), mutability: 'readOnly' },
  ]
  const group = [
    described('displayName', { required: true }),
    described('externalId', { caseExact: true }),
    complex('members', true, ['value', 'display']),
  ]
  return [
    { id: USER_SCHEMA, name: 'User', attributes: user },
    { id: GROUP_SCHEMA, name: 'Group', attributes: group },
  ].map((schema) => ({
    schemas: [SCHEMA],
    ...schema,
    meta: { resourceType: 'Schema', location: `${base}/Schemas/${schema.id}` },
  }))
}

export function wholeList(resources: readonly Document[]): Document {
  return listOf(resources, resources.length, 1)
}

function described(name: string, differs: Document): Document {
  const usual = { type: 'string', multiValued: false, required: false, caseExact: false, mutability: 'readWrite' }
  return { name, ...usual, returned: 'default', uniqueness: 'none', ...differs }
}

function complex(name: string, multiValued: boolean, subs: readonly string[]): Document {
  return { ...described(name, { type: 'complex', multiValued }), subAttributes: subs.map((sub) => described(sub, {})) }
}
