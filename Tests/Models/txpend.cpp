// Model D (C5.7, C5.8, C5.10, C12.6): attempts over two collections together with their pends, coordinators that crash, repeated messages, scanner and truncation.
// A collection is an atomic (CAS) register; it has one data block, whose replicas are one (that q of them keep a pend is blockread.cpp's matter). An attempt has a
// home and one more participant (secondary), which it writes or only reads. It may be given to two coordinators at once. A coordinator has the pends stored and the
// secondary prepared, hears of both, sends the decision; it may crash or give up at any step. What it has sent stays in the network for ever and may land again,
// also after it crashed: pends after their discard, prepares after the rollback (zombies), decisions after the fence. Anybody who meets an intent looks at the home,
// fences there, and then applies or takes away. A fate that was seen (committed, dead) stays true, so that looking and acting may be one step; what does not
// stay true is kept between two steps: what the scanner read of a block's own tail before it asked the home.
#include "bfs.hpp"
constexpr int NT=2,NC=2,R=3,K=2,FOREIGN=15; struct Tx{int action,home; bool reads;}; static Tx T[NT]; // reads: the secondary is only read
enum{NONE,PEND,VERSION}; enum{IDLE,RUNS,GIVESUP,OVER}; enum{UNDECIDED,COMMITTED,DEAD,VANISHED};
struct S{ uint8_t rev[NC],log[NC][R+1],in[NC],sh[NC],abt[NC],tr[NC],sl[NC],open,fo; // tails: revision, attempts (+1) by revision, intents (exclusive +1, shared set), fences, truncated and sealed through; open decisions
 uint8_t n[NT][NC],blk[NC][NT];                                                    // targets (0: not begun), what the block of a collection keeps of an attempt
 struct{uint8_t st,pa,pr,dm,why;}k[NT][K];                                          // coordinators: pends and intent acknowledged, decision sent, whether a refusal made it give up
 uint8_t told[NT],sc,si,sq,com,res,bad; };                                          // told 1 committed 2 refused; the scanner's step, attempt, collection; ghost: decided, carried out everywhere
static int KN[NT],FO; static bool TRUNC,SEAL; // coordinators of each attempt, entries of others in all, what the variant does
static bool PLATE,OWNTAIL,IGNINT,NOFENCE,TIMER,LATEPREP,FORGET,TRUNCOPEN,OPENLOST,UNFINAL,TAILONLY,VDEAD,RETARGET,VREFUSED,RAWMOVED,PTIMER,SHTIMER;
static int sec(int i){return 1-T[i].home;}
static bool writes(int i,int c){return c==T[i].home||!T[i].reads;}
static int parts(int i){return T[i].reads?1<<T[i].home:3;}
static bool holds(const S&s,int c,int i){return s.in[c]==i+1||(s.sh[c]>>i&1);}
static int fate(const S&s,int i){ int h=T[i].home,n=s.n[i][h]; if(n<=s.tr[h])return VANISHED; if(n<=s.rev[h])return s.log[h][n]==i+1&&!(TAILONLY&&n<=s.sl[h])?COMMITTED:DEAD; return s.abt[h]>>i&1?DEAD:UNDECIDED; }
static void fence(S&t,int i,int c){ if(t.n[i][c]==t.rev[c]+1&&(!holds(t,c,i)||IGNINT))t.abt[c]|=1<<i; }
static void append(S&t,int c,int e){ t.rev[c]++;t.log[c][t.rev[c]]=e;t.abt[c]=0; }
static void canon(S&s){ for(int i=0;i<NT;i++){ for(int k=0;k<K;k++)if(s.k[i][k].st>=GIVESUP)s.k[i][k].pa=s.k[i][k].pr=0; if(memcmp(&s.k[i][0],&s.k[i][1],sizeof s.k[i][0])<0)std::swap(s.k[i][0],s.k[i][1]); } if(!s.sc)s.si=s.sq=0; }
void next(const S&s,Checker<S>&ck){ char b[96]; auto CA=[&](S t,const char*n){canon(t);ck.add(t,n);};
 for(int i=0;i<NT;i++){ int h=T[i].home,q=sec(i);
  if(!KN[i])continue;
  if(!s.n[i][h]){ bool dup=false,full=false; for(int c=0;c<NC;c++)if(s.rev[c]>=R)full=true; // begin: the proxy has scanned the home for the action, from the revision (0) on that its client saw first
   for(int r=1;r<=s.rev[h];r++){int e=s.log[h][r];if(e&&e!=FOREIGN&&T[e-1].action==T[i].action)dup=true;} bool lost=s.tr[h]>0&&T[1].action==T[0].action;
   if(!dup&&!full&&!lost){S t=s;for(int c=0;c<NC;c++)t.n[i][c]=s.rev[c]+1;sprintf(b,"begin(T%d)",i+1);CA(t,b);} continue; }
  for(int k=0;k<KN[i];k++){ auto&w=s.k[i][k];
   if(w.st==IDLE){ if(!k||s.k[i][0].st!=IDLE){S t=s;t.k[i][k].st=RUNS;sprintf(b,"K%d is given T%d",k,i+1);CA(t,b);} continue; }
   for(int c=0;c<NC;c++)if(parts(i)>>c&1){ S t=s; if(s.blk[c][i]==NONE)t.blk[c][i]=PEND; if(w.st==RUNS)t.k[i][k].pa|=1<<c; sprintf(b,"pend(T%d)@%d by K%d",i+1,c,k);CA(t,b); }
   { S t=s; bool ack=false,moved=false; int n=s.n[i][q]; // prepare
     if(holds(s,q,i))ack=true; else if(n!=s.rev[q]+1&&!(LATEPREP&&s.log[q][n]==i+1)){ if(s.log[q][n]==i+1&&n>s.sl[q])ack=true; else moved=true; }
     else if(!s.in[q]&&(!writes(i,q)||!s.sh[q])&&s.rev[q]<R){ ack=true; if(writes(i,q))t.in[q]=i+1; else t.sh[q]|=1<<i; }
     if(w.st==RUNS){ if(ack)t.k[i][k].pr=1; if(moved){t.k[i][k].st=GIVESUP;t.k[i][k].why=1;} } sprintf(b,"prepare(T%d)@%d by K%d%s",i+1,q,k,moved?": moved":"");CA(t,b); }
   if(w.st==RUNS&&!w.dm&&w.pr&&(w.pa==parts(i)||PLATE)){S t=s;t.k[i][k].dm=1;sprintf(b,"K%d sends the decision of T%d",k,i+1);CA(t,b);}
   if(w.dm){ S t=s; int n=s.n[i][h]; const char*r=""; // the decision lands: once or again
     if(n<=s.rev[h]&&n>s.sl[h]&&s.log[h][n]==i+1){ if(w.st==RUNS){t.k[i][k].st=OVER;t.told[i]|=1;} r=": was decided"; }
     else if((n!=s.rev[h]+1&&!(RETARGET&&!(s.com>>i&1)&&s.rev[h]<R))||(s.abt[h]>>i&1)){ if(w.st==RUNS){t.k[i][k].st=GIVESUP;t.k[i][k].why=1;if(RAWMOVED){t.k[i][k].st=OVER;t.told[i]|=2;}} r=": refused"; }
     else if(!s.in[h]&&!s.sh[h]){ append(t,h,i+1);t.com|=1<<i;t.open|=1<<i; if(!writes(i,q)&&(s.rev[q]+1!=s.n[i][q]||s.in[q]))t.bad=1; }
     sprintf(b,"DECIDE(T%d)@%d by K%d%s",i+1,h,k,r);CA(t,b); }
   if(w.st==RUNS){S t=s;t.k[i][k].st=GIVESUP;sprintf(b,"K%d gives T%d up",k,i+1);CA(t,b);}
   if(w.st==RUNS||w.st==GIVESUP){S t=s;t.k[i][k].st=OVER;t.k[i][k].why=0;sprintf(b,"K%d crashes with T%d",k,i+1);CA(t,b);}
   if(w.st==GIVESUP){ S t=s; int o=fate(s,i); if(o==UNDECIDED)fence(t,i,h); else{t.k[i][k].st=OVER;t.k[i][k].why=0;if(o==COMMITTED)t.told[i]|=1;if(o==DEAD||(o==VANISHED&&VREFUSED&&w.why))t.told[i]|=2;}
     sprintf(b,"K%d asks what became of T%d: %s",k,i+1,o==UNDECIDED?"fences":o==COMMITTED?"committed":o==DEAD?"dead":"vanished");CA(t,b); } }
  if(holds(s,q,i)){ int o=fate(s,i); S t=s; const char*r="rollback"; // whoever meets an intent
   if(o==COMMITTED){ if(s.in[q]==i+1){t.in[q]=0;append(t,q,i+1);}else t.sh[q]&=~(1<<i); t.res|=1<<i; r="apply"; }
   else if(o==UNDECIDED&&!NOFENCE){ fence(t,i,h); r="fence for the intent of"; }
   else { if(s.in[q]==i+1)t.in[q]=0; t.sh[q]&=~(1<<i); }
   sprintf(b,"%s(T%d)@%d",r,i+1,q);CA(t,b);
   if(TIMER||(SHTIMER&&(s.sh[q]>>i&1))){S u=s;if(s.in[q]==i+1)u.in[q]=0;u.sh[q]&=~(1<<i);sprintf(b,"the intent of T%d @%d expires",i+1,q);CA(u,b);} }
  else if((s.com>>i&1)&&!(s.res>>i&1)&&fate(s,i)==COMMITTED){S t=s;t.res|=1<<i;sprintf(b,"nothing to carry out of T%d @%d",i+1,q);CA(t,b);}
  if((s.open>>i&1)&&((s.res>>i&1)||OPENLOST)){S t=s;t.open&=~(1<<i);sprintf(b,"close(T%d)@%d",i+1,h);CA(t,b);}
  if(FORGET&&(s.abt[h]>>i&1)){S t=s;t.abt[h]&=~(1<<i);sprintf(b,"the fence of T%d @%d is forgotten",i+1,h);CA(t,b);}
  for(int c=0;c<NC;c++)if(s.blk[c][i]==PEND){ int n=s.n[i][c]; bool end=n<=s.rev[c];
   if(PTIMER){S t=s;t.blk[c][i]=NONE;sprintf(b,"the pend of T%d @%d expires",i+1,c);CA(t,b);}
   if(end||(s.abt[c]>>i&1)){ S t=s; bool own=end&&s.log[c][n]==i+1; if(n<=s.tr[c])own=false; t.blk[c][i]=own?VERSION:NONE; sprintf(b,"%s(T%d)@%d",own?"finalise":"discard",i+1,c);CA(t,b); } // a truncated target: the block has no version of it, so it has none
   else if(!s.sc&&n==s.rev[c]+1&&(!holds(s,c,i)||IGNINT)){S t=s;t.sc=1;t.si=i;t.sq=c;sprintf(b,"the scanner reads tail %d for the pend of T%d",c,i+1);CA(t,b);} } }
 if(s.sc==1){ int i=s.si,c=s.sq; S t=s; fence(t,i,OWNTAIL?c:T[i].home); int o=OWNTAIL?(t.abt[c]>>i&1?DEAD:UNDECIDED):fate(t,i); if(VDEAD&&o==VANISHED)o=DEAD; t.sc=o==VANISHED?2:0; if(o==DEAD&&s.blk[c][i]==PEND)t.blk[c][i]=NONE;
  sprintf(b,"the scanner fences T%d: %s",i+1,o==DEAD?"dead, discards":o==VANISHED?"vanished":o==COMMITTED?"committed":"undecided");CA(t,b); }
 if(s.sc==2){ int i=s.si,c=s.sq,n=s.n[i][c]; S t=s; t.sc=0; bool gone=n==s.rev[c]+1&&!holds(s,c,i); if(gone&&s.blk[c][i]==PEND)t.blk[c][i]=NONE; sprintf(b,"the scanner reads tail %d again%s",c,gone?": discards":"");CA(t,b); }
 for(int c=0;c<NC;c++){
  if(s.fo<FO&&s.rev[c]<R&&!s.in[c]&&!s.sh[c]){S t=s;t.fo++;append(t,c,FOREIGN);sprintf(b,"other entry@%d",c);CA(t,b);}
  if(SEAL&&s.sl[c]<s.rev[c]){S t=s;t.sl[c]=s.rev[c];sprintf(b,"seal@%d",c);CA(t,b);}
  if(TRUNC&&s.tr[c]<s.rev[c]){ int r=s.tr[c]+1,e=s.log[c][r]; bool ok=true; if(e!=FOREIGN){ int i=e-1; if(T[i].home==c&&(s.open>>i&1)&&!TRUNCOPEN)ok=false; if(s.blk[c][i]!=VERSION&&!UNFINAL)ok=false; }
   if(ok){S t=s;t.tr[c]=r;sprintf(b,"truncate@%d through %d",c,r);CA(t,b);} } }
}
const char*inv(const S&s){ if(s.bad)return "what was read was no longer so when it was decided";
 for(int i=0;i<NT;i++){ int h=T[i].home,q=sec(i); if(!s.n[i][h])continue; bool com=s.com>>i&1; int count=0; for(int r=1;r<=R;r++)count+=s.log[q][r]==i+1;
  if(count&&!com)return "secondary applied, home not decided";
  if(count>1)return "applied twice";
  if(com&&writes(i,q)&&s.log[q][s.n[i][q]]!=i+1&&s.in[q]!=i+1)return "decided, secondary lost its intent";
  if(com)for(int c=0;c<NC;c++)if((parts(i)>>c&1)&&s.blk[c][i]==NONE)return "decided, but a block has neither its pend nor its version";
  if((s.told[i]&1)&&!com)return "told committed, not decided";
  if((s.told[i]&2)&&com)return "told refused, but decided";
  for(int j=i+1;j<NT;j++)if(com&&(s.com>>j&1)&&T[i].action==T[j].action)return "an action took effect twice"; }
 return nullptr; }
int main(int c_,char**v_){ size_t lim=c_>1?strtoull(v_[1],0,10):5000000; auto go=[&](const char*nm){Checker<S> c;S s;memset(&s,0,sizeof s);c.limit=lim;c.run(s,next,inv,nm,nullptr);};
 auto rst=[&]{PLATE=OWNTAIL=IGNINT=NOFENCE=TIMER=LATEPREP=FORGET=TRUNCOPEN=OPENLOST=UNFINAL=TAILONLY=VDEAD=RETARGET=VREFUSED=RAWMOVED=PTIMER=SHTIMER=false;TRUNC=SEAL=false;FO=0;};
 bool pos=c_<3||strchr(v_[2],'p'),neg=c_<3||strchr(v_[2],'n');
 auto two=[&]{rst();T[0]=T[1]={1,0,false};KN[0]=2;KN[1]=0;FO=1;TRUNC=SEAL=true;};  // one attempt, given to two coordinators
 auto again=[&]{rst();T[0]=T[1]={1,0,false};KN[0]=KN[1]=1;TRUNC=true;};             // an attempt and a later execution of the same action
 auto opp=[&]{rst();T[0]={1,0,false};T[1]={2,1,false};KN[0]=KN[1]=1;TRUNC=true;};   // two actions, each the other's secondary
 auto skew=[&]{rst();T[0]={1,0,true};T[1]={2,1,true};KN[0]=KN[1]=1;TRUNC=true;};    // each reads what the other writes
 auto wr=[&]{rst();T[0]={1,0,true};T[1]={2,1,false};KN[0]=KN[1]=1;TRUNC=true;};     // one reads, the other writes both
 if(pos){
  two();go("TP0 one attempt at two coordinators, others, sealing, truncation");
  again();FO=1;go("TP1 attempt and a later execution of its action, truncation");
  opp();SEAL=true;go("TP2 two actions, opposite homes, sealing, truncation");
  skew();FO=1;go("TP3 each only reads what the other writes, truncation");
  wr();FO=1;go("TP4 one reads what the other writes, truncation");
  again();KN[0]=2;go("TP5 = TP1, the first attempt at two coordinators"); }
 if(neg){
  two();PLATE=true;go("TPM1 decided before the pends are stored");
  two();PTIMER=true;go("TPM2 a timer discards a pend");
  two();OWNTAIL=true;go("TPM3 scanner fences at the block's own tail");
  two();OWNTAIL=IGNINT=true;go("TPM3' = TPM3, although that holds the intent");
  two();IGNINT=true;go("TPM3* fence at the home, whatever intent is held (harmless)");
  two();NOFENCE=true;go("TPM4 rollback without a fence at the home");
  two();TIMER=true;go("TPM5 an intent expires");
  skew();FO=1;SHTIMER=true;go("TPM5' a shared intent expires");
  two();LATEPREP=true;go("TPM6 a repeated prepare is taken after its attempt was applied");
  two();FORGET=true;go("TPM7 a fence is forgotten");
  two();RETARGET=true;go("TPM7' the decision takes whatever revision is next");
  two();TRUNCOPEN=true;go("TPM8 home truncated while the decision is open");
  two();OPENLOST=true;go("TPM9 open decisions are forgotten at a restart");
  two();UNFINAL=true;go("TPM10 truncated before the block has its version");
  skew();T[1].action=1;go("TPM11 a later execution chooses another home");
  two();TAILONLY=true;go("TPM12 the fate is looked for in the open tail only");
  two();VDEAD=true;go("TPM13 scanner takes vanished for dead without another look");
  two();RAWMOVED=true;go("TPM14 a refusal is told without asking the home");
  two();VREFUSED=true;go("TPM15 refusal told although the home's history of it is gone"); }
}
