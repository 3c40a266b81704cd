// The one function of bcryptprimitives.dll that Go's runtime calls. Wine 8 has no such
// library; Windows has had it since version 8.
#include <windows.h>
#include <ntsecapi.h>

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE to, SIZE_T n) {
	while (n) {
		ULONG some = n > 0x10000000 ? 0x10000000 : (ULONG)n;
		if (!RtlGenRandom(to, some)) return FALSE;
		to += some;
		n -= some;
	}
	return TRUE;
}
