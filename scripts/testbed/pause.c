/* The process that holds a pod's namespaces open: it waits, and reaps what is orphaned in the pod. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void reap(int signal) {
	(void)signal;
	while (waitpid(-1, 0, WNOHANG) > 0) {
	}
}

static void leave(int signal) {
	(void)signal;
	_exit(0);
}

int main(void) {
	signal(SIGCHLD, reap);
	signal(SIGTERM, leave);
	signal(SIGINT, leave);
	for (;;)
		pause();
}
