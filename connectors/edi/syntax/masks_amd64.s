//go:build !purego

#include "textflag.h"

// MATCH sets the bits of the bytes of X0 that equal those of pat.
#define MATCH(pat, to, by) \
	MOVO     X0, X8  \
	PCMPEQB  pat, X8 \
	PMOVMSKB X8, AX  \
	SHLQ     $by, AX \
	ORQ      AX, to

// SIXTEEN looks at 16 of the 64 bytes. Characters other than printable ASCII are
// those below a blank, as signed numbers, and 0x7f.
#define SIXTEEN(by) \
	MOVOU    by(SI), X0     \
	MATCH(X1, R8, by)       \
	MATCH(X2, R9, by)       \
	MATCH(X3, R10, by)      \
	MATCH(X4, R11, by)      \
	MATCH(X5, R12, by)      \
	MOVO     X6, X8         \
	PCMPGTB  X0, X8         \
	MOVO     X0, X9         \
	PCMPEQB  X7, X9         \
	POR      X9, X8         \
	PMOVMSKB X8, AX         \
	SHLQ     $by, AX        \
	ORQ      AX, R13

#define BROADCAST(from, to) \
	MOVQ       from, to \
	PUNPCKLQDQ to, to

// func look(b *[64]byte, d *delimiters, m *masks)
TEXT ·look(SB), NOSPLIT, $0-24
	MOVQ b+0(FP), SI
	MOVQ d+8(FP), DX
	MOVQ m+16(FP), DI
	BROADCAST(0(DX), X1)
	BROADCAST(8(DX), X2)
	BROADCAST(16(DX), X3)
	BROADCAST(24(DX), X4)
	BROADCAST(32(DX), X5)
	MOVQ $0x2020202020202020, AX
	BROADCAST(AX, X6)
	MOVQ $0x7f7f7f7f7f7f7f7f, AX
	BROADCAST(AX, X7)
	XORL R8, R8
	XORL R9, R9
	XORL R10, R10
	XORL R11, R11
	XORL R12, R12
	XORL R13, R13
	SIXTEEN(0)
	SIXTEEN(16)
	SIXTEEN(32)
	SIXTEEN(48)
	MOVQ R8, 0(DI)
	MOVQ R9, 8(DI)
	MOVQ R10, 16(DI)
	MOVQ R11, 24(DI)
	MOVQ R12, 32(DI)
	MOVQ R13, 40(DI)
	RET
