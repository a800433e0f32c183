/* SPDX-License-Identifier: MIT */
/*
 * The part of QEMU's plugin interface, version 1, that kage-tcg.so uses, declared
 * by us: QEMU packages ship no header.  QEMU resolves these names when it loads
 * the plugin.  A QEMU that no longer accepts version 1 refuses the plugin and
 * says so; nothing here can find that out earlier.
 */
#ifndef CAPTURE_TCG_PLUGIN_API_H
#define CAPTURE_TCG_PLUGIN_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	QEMU_PLUGIN_API = 1
};

/* What a callback promises about guest registers, and which accesses it wants. */
enum qemu_plugin_cb_flags {
	QEMU_PLUGIN_CB_NO_REGS
};

enum qemu_plugin_mem_rw {
	QEMU_PLUGIN_MEM_R = 1,
	QEMU_PLUGIN_MEM_W,
	QEMU_PLUGIN_MEM_RW
};

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t; /* opaque description of one access */

struct qemu_plugin_info {
	const char *target_name;
	struct {
		int min, cur;
	} version;
	bool system_emulation;
	int smp_vcpus, max_vcpus; /* of system emulation */
};

struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;

typedef void (*qemu_plugin_tb_trans_fn)(qemu_plugin_id_t id,
					struct qemu_plugin_tb *tb);
typedef void (*qemu_plugin_exec_fn)(unsigned int vcpu, void *arg);
typedef void (*qemu_plugin_mem_fn)(unsigned int vcpu,
				   qemu_plugin_meminfo_t info, uint64_t vaddr,
				   void *arg);
typedef void (*qemu_plugin_flush_fn)(qemu_plugin_id_t id);
typedef void (*qemu_plugin_atexit_fn)(qemu_plugin_id_t id, void *arg);

/* What QEMU looks up in the plugin. */
extern __attribute__((visibility("default"))) int qemu_plugin_version;
__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_plugin_info *info,
		    int argc, char **argv);

/* Translation: once per block, before it first runs. */
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   qemu_plugin_tb_trans_fn fn);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
/* Return: where the host holds the instruction, NULL if not in RAM or ROM. */
void *qemu_plugin_insn_haddr(const struct qemu_plugin_insn *insn);

/* Execution: called each time, in program order. */
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  qemu_plugin_exec_fn fn,
					  enum qemu_plugin_cb_flags flags,
					  void *arg);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    qemu_plugin_exec_fn fn,
					    enum qemu_plugin_cb_flags flags,
					    void *arg);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      qemu_plugin_mem_fn fn,
				      enum qemu_plugin_cb_flags flags,
				      enum qemu_plugin_mem_rw rw, void *arg);

/* Only inside a memory callback: what the access hit. */
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
unsigned int qemu_plugin_mem_size_shift(qemu_plugin_meminfo_t info);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(qemu_plugin_meminfo_t info,
						  uint64_t vaddr);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *hwaddr);
/* For RAM this is an offset in QEMU's space of RAM blocks, not a gpa. */
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *hwaddr);

/* All translated blocks were dropped: their callbacks will not run again. */
void qemu_plugin_register_flush_cb(qemu_plugin_id_t id,
				   qemu_plugin_flush_fn fn);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
				    qemu_plugin_atexit_fn fn, void *arg);
void qemu_plugin_outs(const char *text);

#endif
