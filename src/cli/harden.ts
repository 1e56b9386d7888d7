/** Keeps the memory of this process, where leased keys pass, out of core dumps and away from other processes of the same user. */
import { dlopen, FFIType } from 'bun:ffi';

const PR_SET_DUMPABLE = 4;

/** Returns false where the platform has no such switch. Best effort: a root user can read any memory. */
export function hideMemory(): boolean {
  if (process.platform !== 'linux') return false;
  for (const library of ['libc.so.6', 'libc.musl-x86_64.so.1', 'libc.musl-aarch64.so.1']) {
    try {
      const libc = dlopen(library, {
        prctl: {
          args: [FFIType.i32, FFIType.u64, FFIType.u64, FFIType.u64, FFIType.u64],
          returns: FFIType.i32,
        },
      });
      return libc.symbols.prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n) === 0;
    } catch {
      // The next name may be this system's.
    }
  }
  return false;
}
