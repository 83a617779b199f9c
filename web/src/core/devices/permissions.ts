import { type MediaKind } from './kinds';
import type { Permission } from './problems';

/** What the browser says now about the right to use a device, without asking the person. */
export async function permissionOf(kind: MediaKind): Promise<Permission> {
  try {
    // Not every browser knows these two names; those throw.
    const status = await navigator.permissions.query({ name: kind as PermissionName });
    return status.state;
  } catch {
    return 'unknown';
  }
}
