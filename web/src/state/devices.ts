import type { Device, MediaKind } from '../core/devices/kinds';
import { t } from './i18n';

/** The entries of a device menu; the browser's own choice leads as long as none was made. */
export function deviceOptions(
  kind: MediaKind,
  devices: readonly Device[],
  current: string,
): { value: string; label: string }[] {
  const named = devices.map((device, index) => ({
    value: device.id,
    label: device.label || t('device.unnamed', { device: t(`device.${kind}`), number: index + 1 }),
  }));
  return current === '' ? [{ value: '', label: t('device.default') }, ...named] : named;
}

/** Whether this browser can share a screen at all; phones can't. */
export function canShareScreen(): boolean {
  return 'getDisplayMedia' in (navigator.mediaDevices ?? {});
}
