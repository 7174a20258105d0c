// Everything that protoc-c generates from Protos/. Regenerate with `make protos`.
#ifndef OPTIMYSTIC_CPROTOCOL_H
#define OPTIMYSTIC_CPROTOCOL_H

#include "optimystic/v1/common.pb-c.h"
#include "optimystic/v1/cluster.pb-c.h"
#include "optimystic/v1/repository.pb-c.h"
#include "optimystic/v1/structures.pb-c.h"
#include "optimystic/v1/client.pb-c.h"
#include "optimystic/v1/deployment.pb-c.h"

#endif
