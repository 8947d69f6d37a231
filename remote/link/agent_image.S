// The bytes of the agent's executable, between two labels.
#ifdef __APPLE__
#define SYMBOL(name) _##name
  .const_data
#else
#define SYMBOL(name) name
  .section .rodata
#endif
  .globl SYMBOL(workflow_agent_begin)
  .globl SYMBOL(workflow_agent_end)
  .balign 16
SYMBOL(workflow_agent_begin):
  .incbin AGENT_IMAGE
SYMBOL(workflow_agent_end):
  .byte 0
#ifndef __APPLE__
  .section .note.GNU-stack,"",%progbits
#endif
