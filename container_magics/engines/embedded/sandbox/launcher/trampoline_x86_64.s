# The trampoline (see trampoline.py) for x86-64: as -o t.o FILE && objcopy -O binary -j .text t.o t.bin
.intel_syntax noprefix
.globl _start
_start:
 mov rbx, rsp                # rbx: argc, argv …
 mov edi, 1                  # prctl(PR_SET_PDEATHSIG, SIGKILL)
 mov esi, 9
 mov eax, 157
 syscall
 mov rdi, [rbx+16]           # unlink(argv[1])
 mov eax, 87
 syscall
 mov edi, 3                  # dup2(3, 2)
 mov esi, 2
 mov eax, 33
 syscall
 mov edi, 3                  # close(3)
 mov eax, 3
 syscall
 mov edi, 4                  # fcntl(4, F_SETFD, FD_CLOEXEC)
 mov esi, 2
 mov edx, 1
 mov eax, 72
 syscall
 mov eax, 39                 # report(getpid())
 syscall
 call report
 lea rsi, [rbx+32]           # the environment: argv[3] up to the first empty string
 mov rdx, rsi
next:
 mov rdi, [rsi]
 add rsi, 8
 cmp byte ptr [rdi], 0
 jne next
 mov qword ptr [rsi-8], 0
 mov rdi, [rbx+24]           # execve(argv[2], what follows, environment)
 mov eax, 59
 syscall
 call report                 # report(-errno); exit_group(125)
 mov edi, 125
 mov eax, 231
 syscall
report:                      # write(4, &rax, 8)
 push rax
 mov edi, 4
 mov rsi, rsp
 mov edx, 8
 mov eax, 1
 syscall
 pop rax
 ret
