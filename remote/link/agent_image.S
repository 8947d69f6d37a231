// The bytes of one agent's executable, between two labels that name its machine.
#ifdef __APPLE__
#define PASTE(machine, end) _workflow_agent_##machine##end
  .const_data
#else
#define PASTE(machine, end) workflow_agent_##machine##end
  .section .rodata
#endif
#define LABEL(machine, end) PASTE(machine, end)
  .globl LABEL(AGENT_MACHINE, _begin)
  .globl LABEL(AGENT_MACHINE, _end)
  .balign 16
LABEL(AGENT_MACHINE, _begin):
  .incbin AGENT_IMAGE
LABEL(AGENT_MACHINE, _end):
  .byte 0
#ifndef __APPLE__
  .section .note.GNU-stack,"",%progbits
#endif
