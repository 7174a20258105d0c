#ifndef OPTIMYSTIC_CZEROMQ_SHIM_H
#define OPTIMYSTIC_CZEROMQ_SHIM_H

#include <zmq.h>

#endif
