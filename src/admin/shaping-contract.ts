/** The rows of the contract that are about what becomes of a request's content: presets and templates. */
import { z } from 'zod';
import * as preset from './preset-shapes.ts';
import * as template from './template-shapes.ts';

const none = z.strictObject({});
const id = z.string().min(1).max(100);

export const SHAPING_ROUTES = {
  'preset.list': {
    method: 'GET',
    path: '/v1/presets',
    scope: 'tokens:read',
    params: none,
    query: none,
    body: none,
    response: z.object({ presets: z.array(preset.preset) }),
  },
  'preset.show': {
    method: 'GET',
    path: '/v1/presets/:preset',
    scope: 'tokens:read',
    params: z.strictObject({ preset: id }),
    query: none,
    body: none,
    response: preset.preset,
  },
  'preset.add': {
    method: 'POST',
    path: '/v1/presets',
    scope: 'presets:write',
    params: none,
    query: none,
    body: preset.presetRequest,
    response: preset.preset,
  },
  'template.list': {
    method: 'GET',
    path: '/v1/templates',
    scope: 'templates:read',
    params: none,
    query: none,
    body: none,
    response: z.object({ templates: z.array(template.template) }),
  },
  'template.show': {
    method: 'GET',
    path: '/v1/templates/:template',
    scope: 'templates:read',
    params: z.strictObject({ template: id }),
    query: z.strictObject({ version: z.coerce.number().int().positive().optional() }),
    body: none,
    response: template.template,
  },
  'template.add': {
    method: 'POST',
    path: '/v1/templates',
    scope: 'templates:write',
    params: none,
    query: none,
    body: template.templateRequest,
    response: template.template,
  },
  'template.retire': {
    method: 'POST',
    path: '/v1/templates/:template/retire',
    scope: 'templates:write',
    params: z.strictObject({ template: id }),
    query: none,
    body: z.strictObject({ version: z.int().positive().optional() }),
    response: z.object({ templates: z.array(template.template) }),
  },
  'template.bindings': {
    method: 'GET',
    path: '/v1/template-bindings',
    scope: 'templates:read',
    params: none,
    query: none,
    body: none,
    response: z.object({ bindings: z.array(template.binding) }),
  },
  'template.bind': {
    method: 'POST',
    path: '/v1/template-bindings',
    scope: 'templates:write',
    params: none,
    query: none,
    body: template.bindingRequest,
    response: template.boundTemplate,
  },
  'template.unbind': {
    method: 'POST',
    path: '/v1/template-bindings/unbind',
    scope: 'templates:write',
    params: none,
    query: none,
    body: z.strictObject({ subject: template.bindingRequest.shape.subject }),
    response: z.object({ subject: z.string() }),
  },
} as const;
